internal import A64ISA
internal import EmuIR

// Pointer authentication (FEAT_PAuth2 with FEAT_FPACCOMBINE). The algorithm and the layout of signed pointers: CHost's pauth.c.

/// Keys, numbered as `nt_pac_key`; A and B of a kind follow each other.
private enum PACKey {
    static let instruction = 0
    static let data = 2
}

extension Translator {
    private mutating func sign(_ pointer: Value, _ modifier: Value, key: Int) -> Value {
        ir.call(.pacSign, pointer, modifier, ir.const(UInt64(key), .i32))
    }
    private mutating func authenticate(_ pointer: Value, _ modifier: Value, key: Int) -> Value {
        ir.call(.pacAuthenticate, pointer, modifier, ir.const(UInt64(key), .i32))
    }

    /// PACIA, PACIB, PACDA, PACDB, the AUT forms (opcode<2>) and those with a zero modifier (opcode<3>).
    mutating func pointerAuthentication(_ f: DataProcessing1Source) -> TranslationStep {
        let pointer = X(f.Rd)
        let modifier = f.opcode & 8 != 0 ? ir.const(0) : XSP(f.Rn)
        let key = f.opcode & 3
        let result = f.opcode & 4 != 0 ? authenticate(pointer, modifier, key: key) : sign(pointer, modifier, key: key)
        setX(f.Rd, result)
        return .next
    }

    mutating func PACGA(_ f: DataProcessing2Source) -> TranslationStep {
        let value = X(f.Rn)
        let modifier = XSP(f.Rm)
        let code = ir.call(.pacGeneric, value, modifier)
        setX(f.Rd, code)
        return .next
    }

    /// `XPACI`, `XPACD`: both kinds of pointers are alike.
    mutating func stripPointer(_ f: DataProcessing1Source) -> TranslationStep {
        setX(f.Rd, strip(X(f.Rd)))
        return .next
    }

    /// Bits 54:48 of a lower pointer, whose top byte is ignored, or 63:48 of an upper one as bit 55 extends.
    private mutating func strip(_ pointer: Value) -> Value {
        let isUpper = ir.icmp(.icmpNE, ir.and(pointer, ir.const(1 << 55)), ir.const(0))
        let upper = ir.or(pointer, ir.const(0xffff << 48))
        let lower = ir.and(pointer, ir.const(~(0x7f << 48)))
        return ir.select(isUpper, upper, lower)
    }

    // MARK: Hints: NOPs without FEAT_PAuth

    mutating func XPACLRI(_ f: Hints) -> TranslationStep {
        guard has(.FEAT_PAuth) else { return .next }
        setX(30, strip(X(30)))
        return .next
    }

    /// PACIA1716 and its like (CRm = 1: X17, modifier X16), PACIAZ, PACIASP and theirs (CRm = 3: X30, modifier zero or SP).
    mutating func pointerAuthenticationHint(_ f: Hints) -> TranslationStep {
        guard has(.FEAT_PAuth) else { return .next }
        let register = f.CRm == 1 ? 17 : 30
        let pointer = X(register)
        let modifier = f.CRm == 1 ? X(16) : f.op2 & 1 != 0 ? XSP(31) : ir.const(0)
        let key = PACKey.instruction + f.op2 >> 1 & 1
        setX(register, f.op2 & 4 != 0 ? authenticate(pointer, modifier, key: key) : sign(pointer, modifier, key: key))
        return .next
    }

    // MARK: Branches and loads

    /// BRAA, BLRAA, RETAA and theirs: opc<1:0> as BR, BLR, RET; opc<3> says that the modifier is a register; op3<0> key B.
    mutating func branchAuthenticated(_ f: UnconditionalBranchRegister) -> TranslationStep {
        let isReturn = f.opc & 3 == 2
        let pointer = X(isReturn ? 30 : f.Rn)
        let modifier = isReturn ? XSP(31) : f.opc & 8 != 0 ? XSP(f.op4) : ir.const(0)
        let target = authenticate(pointer, modifier, key: PACKey.instruction + f.op3 & 1)
        if f.opc & 3 == 1 { ir.set(.x(30), ir.const(pc &+ 4)) }
        branchIndirect(target, branchType: isReturn ? 0 : f.opc & 3 == 1 ? 2 : jumpType(f.Rn))
        return .ended
    }

    /// `LDRAA`, `LDRAB`: the modifier is zero; with W the authenticated address is written back.
    mutating func loadAuthenticated(_ f: LoadAuthenticated) -> TranslationStep {
        let base = authenticate(XSP(f.Rn), ir.const(0), key: PACKey.data + f.M)
        let offset = signExtend(f.S << 9 | f.imm9, 10) << 3
        let place = effectiveAddress(base, offset)
        accessGeneral(size: 3, opc: 1, Rt: f.Rt, at: place)
        if f.W != 0 { setXSP(f.Rn, sum(base, offset)) }
        return .next
    }
}
