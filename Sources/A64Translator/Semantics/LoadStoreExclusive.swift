internal import A64ISA
internal import EmuIR

// Load/store exclusive and ordered, compare and swap, atomic memory operations (FEAT_LSE, FEAT_LRCPC, FEAT_LRCPC2).
extension Translator {
    private func orders(acquire: Bool, release: Bool) -> MemFlags {
        var flags: MemFlags = []
        if acquire { flags.insert(.acquire) }
        if release { flags.insert(.release) }
        return flags
    }

    private mutating func base(_ Rn: Int) -> Value {
        let base = XSP(Rn)
        return address(base)
    }

    mutating func loadExclusive(_ f: LoadStoreExclusive) -> TranslationStep {
        let at = base(f.Rn)
        let value = ir.loadExclusive(at, size: f.size, f.size == 3 ? .i64 : .i32, orders(acquire: f.o0 != 0, release: false))
        setX(f.Rt, value)
        return .next
    }

    mutating func storeExclusive(_ f: LoadStoreExclusive) -> TranslationStep {
        let at = base(f.Rn)
        let value = X(f.Rt, is64Bit: f.size == 3)
        let status = ir.storeExclusive(at, value, size: f.size, orders(acquire: false, release: f.o0 != 0))
        setX(f.Rs, status)
        return .next
    }

    mutating func loadExclusivePair(_ f: LoadStoreExclusive) -> TranslationStep {
        let at = base(f.Rn)
        let flags = orders(acquire: f.o0 != 0, release: false)
        if f.size == 3 {
            let pair = ir.loadExclusive(at, size: 4, .i128, flags)
            let low = ir.lo64(pair)
            let high = ir.hi64(pair)
            setX(f.Rt, low)
            setX(f.Rt2, high)
        } else {
            let pair = ir.loadExclusive(at, size: 3, .i64, flags)
            let low = ir.trunc(pair, .i32)
            let high = ir.shift(.lshr, pair, by: 32)
            setX(f.Rt, low)
            setX(f.Rt2, high)
        }
        return .next
    }

    mutating func storeExclusivePair(_ f: LoadStoreExclusive) -> TranslationStep {
        let at = base(f.Rn)
        let pair = pairValue(f.Rt, f.Rt2, is64Bit: f.size == 3)
        let size = f.size == 3 ? 4 : 3
        let status = ir.storeExclusive(at, pair, size: size, orders(acquire: false, release: f.o0 != 0))
        setX(f.Rs, status)
        return .next
    }

    /// Two registers as one value, the first in the low half.
    private mutating func pairValue(_ first: Int, _ second: Int, is64Bit: Bool) -> Value {
        let low = X(first)
        let high = X(second)
        return is64Bit ? ir.pack128(lo: low, hi: high) : ir.bfi(low, high, lsb: 32, width: 32)
    }

    /// LDAR and LDLAR; the latter's weaker order is not used.
    mutating func loadOrdered(_ f: LoadStoreExclusive) -> TranslationStep {
        let at = base(f.Rn)
        accessGeneral(size: f.size, opc: 1, Rt: f.Rt, at: (at, 0), flags: .acquire)
        return .next
    }

    mutating func storeOrdered(_ f: LoadStoreExclusive) -> TranslationStep {
        let at = base(f.Rn)
        accessGeneral(size: f.size, opc: 0, Rt: f.Rt, at: (at, 0), flags: .release)
        return .next
    }

    mutating func loadAcquirePC(_ f: AtomicMemory) -> TranslationStep {
        let at = base(f.Rn)
        accessGeneral(size: f.size, opc: 1, Rt: f.Rt, at: (at, 0), flags: .acquirePC)
        return .next
    }

    mutating func loadStoreOrderedUnscaled(_ f: LoadStoreOrderedUnscaled) -> TranslationStep {
        let base = XSP(f.Rn)
        let place = effectiveAddress(base, signExtend(f.imm9, 9))
        accessGeneral(size: f.size, opc: f.opc, Rt: f.Rt, at: place, flags: f.opc == 0 ? .release : .acquirePC)
        return .next
    }

    mutating func compareAndSwapSingle(_ f: LoadStoreExclusive) -> TranslationStep {
        let at = base(f.Rn)
        let expected = X(f.Rs, is64Bit: f.size == 3)
        let new = X(f.Rt, is64Bit: f.size == 3)
        let old = ir.compareAndSwap(
            at, expected: expected, new: new, size: f.size, orders(acquire: f.L != 0, release: f.o0 != 0))
        setX(f.Rs, old)
        return .next
    }

    /// Odd register numbers are UNDEFINED.
    mutating func compareAndSwapPair(_ f: LoadStoreExclusive) -> TranslationStep {
        guard f.Rs & 1 == 0, f.Rt & 1 == 0 else { return undefined() }
        let is64Bit = f.size & 1 != 0
        let at = base(f.Rn)
        let expected = pairValue(f.Rs, f.Rs + 1, is64Bit: is64Bit)
        let new = pairValue(f.Rt, f.Rt + 1, is64Bit: is64Bit)
        let old = ir.compareAndSwap(
            at, expected: expected, new: new, size: is64Bit ? 4 : 3, orders(acquire: f.L != 0, release: f.o0 != 0))
        let low = is64Bit ? ir.lo64(old) : ir.ubfx(old, lsb: 0, width: 32)
        let high = is64Bit ? ir.hi64(old) : ir.shift(.lshr, old, by: 32)
        setX(f.Rs, low)
        setX(f.Rs + 1, high)
        return .next
    }

    mutating func atomicMemory(_ f: AtomicMemory) -> TranslationStep {
        let op: AtomicOp
        if f.o3 != 0 {
            op = .swp
        } else {
            // opc in the order of the encodings.
            op = [.add, .clr, .eor, .set, .smax, .smin, .umax, .umin][f.opc]
        }
        let at = base(f.Rn)
        let operand = X(f.Rs, is64Bit: f.size == 3)
        let old = ir.atomicRMW(op, at, operand, size: f.size, orders(acquire: f.A != 0, release: f.R != 0))
        setX(f.Rt, old)
        return .next
    }
}
