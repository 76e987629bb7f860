internal import CHost
internal import CLLVM
internal import GuestState

/// LLVM types and constants of one LLVM context, made once per module.
struct LoweringContext {
    let context: LLVMContextRef
    let builder: LLVMBuilderRef
    let i1: LLVMTypeRef
    let i8: LLVMTypeRef
    let i16: LLVMTypeRef
    let i32: LLVMTypeRef
    let i64: LLVMTypeRef
    let i128: LLVMTypeRef
    let float: LLVMTypeRef
    let double: LLVMTypeRef
    let pointer: LLVMTypeRef
    let void: LLVMTypeRef
    /// `i64 (ptr cpu, ptr tb)`, called with preserve_none.
    let codeType: LLVMTypeRef

    /// LLVM's number of the preserve_none calling convention (llvm/IR/CallingConv.h).
    static let preserveNone: UInt32 = 21

    init(context: LLVMContextRef, builder: LLVMBuilderRef) {
        self.context = context
        self.builder = builder
        i1 = LLVMInt1TypeInContext(context)
        i8 = LLVMInt8TypeInContext(context)
        i16 = LLVMInt16TypeInContext(context)
        i32 = LLVMInt32TypeInContext(context)
        i64 = LLVMInt64TypeInContext(context)
        i128 = LLVMIntTypeInContext(context, 128)
        float = LLVMFloatTypeInContext(context)
        double = LLVMDoubleTypeInContext(context)
        pointer = LLVMPointerTypeInContext(context, 0)
        void = LLVMVoidTypeInContext(context)
        var parameters: [LLVMTypeRef?] = [pointer, pointer]
        codeType = LLVMFunctionType(i64, &parameters, 2, 0)
    }

    func int(_ bits: Int) -> LLVMTypeRef {
        switch bits {
        case 1: i1
        case 8: i8
        case 16: i16
        case 32: i32
        case 64: i64
        default: LLVMIntTypeInContext(context, UInt32(bits))
        }
    }

    /// The vector type of 128 bits with lanes of `1 << lane` bytes.
    func vector(lane: Int) -> LLVMTypeRef { LLVMVectorType(int(8 << lane), UInt32(16 >> lane)) }

    func const(_ value: UInt64, _ type: LLVMTypeRef) -> LLVMValueRef { LLVMConstInt(type, value, 0) }
    func const(_ value: Int, _ type: LLVMTypeRef) -> LLVMValueRef {
        LLVMConstInt(type, UInt64(bitPattern: Int64(value)), 0)
    }

    /// An address of the emulator's own.
    func pointer(to address: UInt) -> LLVMValueRef { LLVMConstIntToPtr(const(UInt64(address), i64), pointer) }

    /// A vector constant with the same value in each lane.
    func splat(_ value: UInt64, lane: Int) -> LLVMValueRef {
        var lanes = [LLVMValueRef?](repeating: const(value, int(8 << lane)), count: 16 >> lane)
        return LLVMConstVector(&lanes, UInt32(lanes.count))
    }
    /// An i32 vector constant, as shuffle masks want it.
    func shuffleMask(_ indices: [Int]) -> LLVMValueRef {
        var lanes: [LLVMValueRef?] = indices.map { const($0, i32) }
        return LLVMConstVector(&lanes, UInt32(lanes.count))
    }
}
