internal import CLLVM

/// LLVM intrinsics, attributes and metadata of one module, looked up once each.
final class Intrinsics {
    private struct Key: Hashable {
        let name: String
        let type: LLVMTypeRef?
        let second: LLVMTypeRef?
    }

    private let module: LLVMModuleRef
    private let context: LLVMContextRef
    private var declared: [Key: (function: LLVMValueRef, type: LLVMTypeRef)] = [:]
    private let unlikelyWeights: LLVMValueRef
    private let profKind: UInt32
    private let elementType = LLVMGetEnumAttributeKindForName("elementtype", 11)
    private let noUnwind: LLVMAttributeRef
    private let strictFP: LLVMAttributeRef
    private var strings: [String: LLVMValueRef] = [:]

    init(module: LLVMModuleRef, context: LLVMContextRef) {
        self.module = module
        self.context = context
        profKind = LLVMGetMDKindIDInContext(context, "prof", 4)
        unlikelyWeights = Self.weights(1, 2000, context)
        strictFP = LLVMCreateEnumAttribute(context, LLVMGetEnumAttributeKindForName("strictfp", 8), 0)
        noUnwind = LLVMCreateEnumAttribute(context, LLVMGetEnumAttributeKindForName("nounwind", 8), 0)
    }

    func call(
        _ builder: LLVMBuilderRef, _ name: String, _ types: [LLVMTypeRef], _ arguments: [LLVMValueRef]
    ) -> LLVMValueRef {
        let key = Key(name: name, type: types.first, second: types.count > 1 ? types[1] : nil)
        let callee: (function: LLVMValueRef, type: LLVMTypeRef)
        if let known = declared[key] {
            callee = known
        } else {
            let id = LLVMLookupIntrinsicID(name, name.utf8.count)
            precondition(id != 0, "LLVM has no intrinsic \(name)")
            var overloads: [LLVMTypeRef?] = types
            callee = (
                LLVMGetIntrinsicDeclaration(module, id, &overloads, types.count),
                LLVMIntrinsicGetType(context, id, &overloads, types.count)
            )
            declared[key] = callee
        }
        var values: [LLVMValueRef?] = arguments
        return LLVMBuildCall2(builder, callee.type, callee.function, &values, UInt32(values.count), "")
    }

    // MARK: Constrained floating point

    private func string(_ text: String) -> LLVMValueRef {
        if let known = strings[text] { return known }
        let made = LLVMMetadataAsValue(context, LLVMMDStringInContext2(context, text, text.utf8.count))!
        strings[text] = made
        return made
    }

    /// `llvm.experimental.constrained.NAME`: ties to even, every flag counts.
    func strict(
        _ builder: LLVMBuilderRef, _ name: String, _ types: [LLVMTypeRef], _ arguments: [LLVMValueRef], rounds: Bool
    ) -> LLVMValueRef {
        let modes = (rounds ? [string("round.tonearest")] : []) + [string("fpexcept.strict")]
        return constrained(builder, name, types, arguments + modes)
    }

    /// A comparison that raises Invalid for signalling NaNs, or for all.
    func compare(
        _ builder: LLVMBuilderRef, _ x: LLVMValueRef, _ y: LLVMValueRef, _ predicate: String, signals: Bool
    ) -> LLVMValueRef {
        constrained(
            builder, signals ? "fcmps" : "fcmp", [LLVMTypeOf(x)], [x, y, string(predicate), string("fpexcept.strict")])
    }

    private func constrained(
        _ builder: LLVMBuilderRef, _ name: String, _ types: [LLVMTypeRef], _ arguments: [LLVMValueRef]
    ) -> LLVMValueRef {
        let result = call(builder, "llvm.experimental.constrained." + name, types, arguments)
        LLVMAddCallSiteAttribute(result, LLVMAttributeIndex(bitPattern: -1), strictFP)
        return result
    }

    private static func weights(_ first: UInt64, _ second: UInt64, _ context: LLVMContextRef) -> LLVMValueRef {
        let i32 = LLVMInt32TypeInContext(context)
        var parts: [LLVMMetadataRef?] = [
            LLVMMDStringInContext2(context, "branch_weights", 14), LLVMValueAsMetadata(LLVMConstInt(i32, first, 0)),
            LLVMValueAsMetadata(LLVMConstInt(i32, second, 0)),
        ]
        return LLVMMetadataAsValue(context, LLVMMDNodeInContext2(context, &parts, 3))
    }

    /// How often a conditional branch was seen to go either way.
    func weigh(_ branch: LLVMValueRef, _ counts: (Int, Int)) {
        // What was never seen is rare, not impossible.
        let (first, second) = (UInt64(clamping: counts.0) * 16 + 1, UInt64(clamping: counts.1) * 16 + 1)
        LLVMSetMetadata(branch, profKind, Self.weights(first, second, context))
    }

    func markUnlikely(_ branch: LLVMValueRef) { LLVMSetMetadata(branch, profKind, unlikelyWeights) }

    /// Says what a pointer that is given to inline assembly leads to.
    func setElementType(ofArgument index: UInt32, of call: LLVMValueRef, _ type: LLVMTypeRef) {
        LLVMAddCallSiteAttribute(call, LLVMAttributeIndex(index + 1), LLVMCreateTypeAttribute(context, elementType, type))
    }

    /// No unwind tables: nothing unwinds through generated code.
    func addFunctionAttributes(_ function: LLVMValueRef) {
        LLVMAddAttributeAtIndex(function, LLVMAttributeIndex(bitPattern: -1), noUnwind)
        LLVMAddAttributeAtIndex(function, LLVMAttributeIndex(bitPattern: -1), strictFP)
    }
}
