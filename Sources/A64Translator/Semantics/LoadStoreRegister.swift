internal import A64ISA
internal import EmuIR

// Load/store register: unscaled, post- and pre-indexed, unprivileged, unsigned immediate, register offset, literal.
extension Translator {
    private mutating func access(size: Int, V: Int, opc: Int, Rt: Int, at place: (base: Value, offset: Int64)) -> Bool {
        if V == 0 {
            accessGeneral(size: size, opc: opc, Rt: Rt, at: place)
            return true
        }
        guard let bytes = vectorSize(size: size, opc: opc) else { return false }
        accessVector(size: bytes, isLoad: opc & 1 != 0, Rt: Rt, at: place)
        return true
    }

    private mutating func plain(size: Int, V: Int, opc: Int, Rn: Int, Rt: Int, offset: Int64) -> TranslationStep {
        let base = XSP(Rn)
        let place = effectiveAddress(base, offset)
        return access(size: size, V: V, opc: opc, Rt: Rt, at: place) ? .next : undefined()
    }

    mutating func loadStoreUnscaled(_ f: LoadStoreUnscaled) -> TranslationStep {
        plain(size: f.size, V: f.V, opc: f.opc, Rn: f.Rn, Rt: f.Rt, offset: signExtend(f.imm9, 9))
    }

    mutating func loadStoreUnprivileged(_ f: LoadStoreUnprivileged) -> TranslationStep {
        plain(size: f.size, V: f.V, opc: f.opc, Rn: f.Rn, Rt: f.Rt, offset: signExtend(f.imm9, 9))
    }

    mutating func loadStoreUnsignedImmediate(_ f: LoadStoreUnsignedImmediate) -> TranslationStep {
        let scale = f.V == 0 ? f.size : vectorSize(size: f.size, opc: f.opc) ?? 0
        return plain(size: f.size, V: f.V, opc: f.opc, Rn: f.Rn, Rt: f.Rt, offset: Int64(f.imm12 << scale))
    }

    /// With Rn == Rt (constrained unpredictable) the base's new value wins for loads and the old one is stored, as in QEMU.
    mutating func loadStorePostIndexed(_ f: LoadStorePostIndexed) -> TranslationStep {
        let base = XSP(f.Rn)
        let place = effectiveAddress(base, 0)
        guard access(size: f.size, V: f.V, opc: f.opc, Rt: f.Rt, at: place) else { return undefined() }
        let next = sum(base, signExtend(f.imm9, 9))
        setXSP(f.Rn, next)
        return .next
    }

    mutating func loadStorePreIndexed(_ f: LoadStorePreIndexed) -> TranslationStep {
        let base = XSP(f.Rn)
        let offset = signExtend(f.imm9, 9)
        let place = effectiveAddress(base, offset)
        guard access(size: f.size, V: f.V, opc: f.opc, Rt: f.Rt, at: place) else { return undefined() }
        let next = sum(base, offset)
        setXSP(f.Rn, next)
        return .next
    }

    mutating func loadStoreRegisterOffset(_ f: LoadStoreRegisterOffset) -> TranslationStep {
        let scale = f.V == 0 ? f.size : vectorSize(size: f.size, opc: f.opc) ?? 0
        let base = XSP(f.Rn)
        // ExtendReg: option 2 UXTW, 3 LSL, 6 SXTW, 7 SXTX.
        let index: Value
        if f.option & 1 != 0 {
            index = X(f.Rm)
        } else {
            let word = X(f.Rm, is64Bit: false)
            index = f.option == 6 ? ir.sext(word, .i64) : ir.zext(word, .i64)
        }
        let scaled = ir.shift(.shl, index, by: f.S != 0 ? scale : 0)
        let sum = ir.add(base, scaled)
        let place = (base: address(sum), offset: Int64(0))
        return access(size: f.size, V: f.V, opc: f.opc, Rt: f.Rt, at: place) ? .next : undefined()
    }

    mutating func loadLiteral(_ f: LoadLiteral) -> TranslationStep {
        let target = ir.const(pc &+ UInt64(bitPattern: signExtend(f.imm19, 19) << 2))
        let place = (base: target, offset: Int64(0))
        if f.V != 0 {
            accessVector(size: f.opc + 2, isLoad: true, Rt: f.Rt, at: place)
            return .next
        }
        switch f.opc {
        case 0: accessGeneral(size: 2, opc: 1, Rt: f.Rt, at: place)
        case 1: accessGeneral(size: 3, opc: 1, Rt: f.Rt, at: place)
        default: accessGeneral(size: 2, opc: 2, Rt: f.Rt, at: place)
        }
        return .next
    }
}
