internal import A64ISA
internal import EmuIR

// Shared parts of all loads and stores. Guest state is untouched until the last access of an instruction has succeeded:
// loads come before the first `set`, and the base register is written last.
extension Translator {
    /// The operands of an access at `base + displacement`: tags are cleaned off the sum when the configuration asks.
    mutating func effectiveAddress(_ base: Value, _ displacement: Int64) -> (base: Value, offset: Int64) {
        guard config.cleansTags else { return (base, displacement) }
        let sum = ir.add(base, ir.const(UInt64(bitPattern: displacement)))
        return (address(sum), 0)
    }

    mutating func sum(_ base: Value, _ displacement: Int64) -> Value {
        ir.add(base, ir.const(UInt64(bitPattern: displacement)))
    }

    /// One general-purpose register. `size` is log2 bytes; `opc` as in the encodings: 0 store, 1 load, 2 load sign-extended to
    /// 64 bits, 3 load sign-extended to 32 bits.
    mutating func accessGeneral(
        size: Int, opc: Int, Rt: Int, at place: (base: Value, offset: Int64), flags: MemFlags = []
    ) {
        switch opc {
        case 0:
            let value = X(Rt, is64Bit: size == 3)
            ir.store(place.base, offset: place.offset, value, size: size, flags)
        case 1:
            let value = ir.load(place.base, offset: place.offset, size: size, size == 3 ? .i64 : .i32, flags)
            setX(Rt, value)
        default:
            let type: IRType = opc == 2 ? .i64 : .i32
            let value = ir.load(place.base, offset: place.offset, size: size, type, flags.union(.signExtend))
            setX(Rt, value)
        }
    }

    /// One SIMD&FP register of `1 << size` bytes.
    mutating func accessVector(size: Int, isLoad: Bool, Rt: Int, at place: (base: Value, offset: Int64)) {
        if isLoad {
            let value = ir.load(place.base, offset: place.offset, size: size, size == 4 ? .i128 : .i64)
            setV(Rt, value)
        } else {
            let value = size == 4 ? V(Rt) : D(Rt)
            ir.store(place.base, offset: place.offset, value, size: size)
        }
    }

    /// `size` and `opc` of a load/store register encoding with V = 1: log2 bytes, nil when unallocated.
    func vectorSize(size: Int, opc: Int) -> Int? {
        if opc & 2 == 0 { return size }
        return size == 0 ? 4 : nil
    }

    /// PRFM and its like touch nothing.
    mutating func prefetch(_: LoadLiteral) -> TranslationStep { .next }
    mutating func prefetch(_: LoadStoreUnscaled) -> TranslationStep { .next }
    mutating func prefetch(_: LoadStoreUnsignedImmediate) -> TranslationStep { .next }
    mutating func prefetch(_: LoadStoreRegisterOffset) -> TranslationStep { .next }
}

/// A two's complement field of `width` bits.
func signExtend(_ value: Int, _ width: Int) -> Int64 { (Int64(value) << Int64(64 - width)) >> Int64(64 - width) }
