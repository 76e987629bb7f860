internal import A64ISA
internal import EmuIR

extension Translator {
    /// LDP, STP, LDNP, STNP, LDPSW in all addressing modes (`mode`: 0 no-allocate, 1 post, 2 offset, 3 pre).
    ///
    /// Two X or two W registers are one access to observers; two SIMD&FP registers are two.
    mutating func loadStorePair(_ f: LoadStorePair) -> TranslationStep {
        let isVector = f.V != 0
        // opc: general 0 W, 1 LDPSW, 2 X; SIMD&FP 0 S, 1 D, 2 Q.
        let size = isVector ? f.opc + 2 : (f.opc == 2 ? 3 : 2)
        let displacement = signExtend(f.imm7, 7) << Int64(size)
        let base = XSP(f.Rn)
        let place = effectiveAddress(base, f.mode == 1 ? 0 : displacement)
        let second = place.offset + Int64(1 << size)
        if f.L != 0 {
            let type: IRType
            var flags: MemFlags = []
            if isVector {
                type = size == 4 ? .i128 : .i64
            } else {
                type = f.opc == 0 ? .i32 : .i64
                if f.opc == 1 { flags = .signExtend }
            }
            let first = isVector ? flags : flags.union(.pairFirst)
            let last = isVector ? flags : flags.union(.pairSecond)
            let a = ir.load(place.base, offset: place.offset, size: size, type, first)
            let b = ir.load(place.base, offset: second, size: size, type, last)
            if isVector {
                setV(f.Rt, a)
                setV(f.Rt2, b)
            } else {
                setX(f.Rt, a)
                setX(f.Rt2, b)
            }
        } else if isVector {
            let a = size == 4 ? V(f.Rt) : D(f.Rt)
            let b = size == 4 ? V(f.Rt2) : D(f.Rt2)
            ir.store(place.base, offset: place.offset, a, size: size)
            ir.store(place.base, offset: second, b, size: size)
        } else {
            let a = X(f.Rt, is64Bit: size == 3)
            let b = X(f.Rt2, is64Bit: size == 3)
            ir.store(place.base, offset: place.offset, a, size: size, .pairFirst)
            ir.store(place.base, offset: second, b, size: size, .pairSecond)
        }
        if f.mode & 1 != 0 {
            let next = sum(base, displacement)
            setXSP(f.Rn, next)
        }
        return .next
    }
}
