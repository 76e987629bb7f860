internal import EmuIR

// Branch target identification (FEAT_BTI). BTYPE says how a TB was reached: 0 by no indirect branch or a return, 1 by a jump that
// may lead to any landing pad, 2 by a call, 3 by another jump.
extension Translator {
    /// BTYPE of `BR Xn` and theirs: X16 and X17 are what linkers' veneers use.
    func jumpType(_ n: Int) -> Int { n == 16 || n == 17 || !config.isGuarded ? 1 : 3 }

    mutating func branchIndirect(_ target: Value, branchType: Int) {
        guard config.tracksBranchTypes, branchType != 0 else {
            ir.branchIndirect(target)
            return
        }
        let clean = ir.ubfx(target, lsb: 0, width: 56)
        ir.branchIndirect(ir.or(clean, ir.const(UInt64(branchType) << 56)))
    }

    /// Whether an instruction may be the first after a branch with this BTYPE. Linux sets SCTLR_EL1.BT0: PACIASP and PACIBSP are
    /// no landing pads for jumps.
    func acceptsBranch(_ word: UInt32, _ branchType: Int) -> Bool {
        switch word {
        case 0xd503_245f, 0xd503_233f, 0xd503_237f: branchType != 3  // BTI c, PACIASP, PACIBSP
        case 0xd503_249f: branchType != 2  // BTI j
        case 0xd503_24df: true  // BTI jc
        // BRK and HLT raise their own exceptions.
        default: word & 0xffe0_001f == 0xd420_0000 || word & 0xffe0_001f == 0xd440_0000
        }
    }
}
