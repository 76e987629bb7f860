internal import A64ISA
internal import EmuIR

// Arm ARM (DDI 0487), "Branches". Each of these ends the TB. A target that is not a multiple of 4 is found out when
// its TB is looked up.

extension Translator {
    /// The branch target of an immediate that counts instructions.
    private func target(_ imm: Int, bits: Int) -> UInt64 {
        pc &+ UInt64(bitPattern: signExtend(imm, bits: bits) << 2)
    }

    // MARK: Immediate

    /// `B.cond` and `BC.cond`, which only hints more; AL and NV are taken always.
    mutating func B_cond(_ f: ConditionalBranch) -> TranslationStep {
        let taken = target(f.imm19, bits: 19)
        if let holds = conditionHolds(f.cond) {
            ir.branchIf(holds, taken: taken, fallthrough: pc &+ 4)
        } else {
            ir.chain(taken)
        }
        return .ended
    }

    mutating func B_uncond(_ f: UnconditionalBranchImmediate) -> TranslationStep {
        ir.chain(target(f.imm26, bits: 26))
        return .ended
    }

    mutating func BL(_ f: UnconditionalBranchImmediate) -> TranslationStep {
        ir.set(.x(30), ir.const(pc &+ 4))
        ir.chain(target(f.imm26, bits: 26))
        return .ended
    }

    mutating func CBZ(_ f: CompareAndBranch) -> TranslationStep { compareAndBranch(.icmpEQ, f) }
    mutating func CBNZ(_ f: CompareAndBranch) -> TranslationStep { compareAndBranch(.icmpNE, f) }

    private mutating func compareAndBranch(_ comparison: Opcode, _ f: CompareAndBranch) -> TranslationStep {
        let is64Bit = f.sf == 1
        let value = X(f.Rt, is64Bit: is64Bit)
        let zero = ir.const(0, is64Bit ? .i64 : .i32)
        let holds = ir.icmp(comparison, value, zero)
        ir.branchIf(holds, taken: target(f.imm19, bits: 19), fallthrough: pc &+ 4)
        return .ended
    }

    mutating func TBZ(_ f: TestAndBranch) -> TranslationStep { testAndBranch(.icmpEQ, f) }
    mutating func TBNZ(_ f: TestAndBranch) -> TranslationStep { testAndBranch(.icmpNE, f) }

    private mutating func testAndBranch(_ comparison: Opcode, _ f: TestAndBranch) -> TranslationStep {
        let value = X(f.Rt)
        let bit = ir.and(value, ir.const(1 << UInt64(f.b5 << 5 | f.b40)))
        let holds = ir.icmp(comparison, bit, ir.const(0))
        ir.branchIf(holds, taken: target(f.imm14, bits: 14), fallthrough: pc &+ 4)
        return .ended
    }

    // MARK: Register

    mutating func BR(_ f: UnconditionalBranchRegister) -> TranslationStep {
        branchIndirect(X(f.Rn), branchType: jumpType(f.Rn))
        return .ended
    }

    /// `BLR`: the target is read before X30 is written (`BLR X30`).
    mutating func BLR(_ f: UnconditionalBranchRegister) -> TranslationStep {
        let target = X(f.Rn)
        ir.set(.x(30), ir.const(pc &+ 4))
        branchIndirect(target, branchType: 2)
        return .ended
    }

    mutating func RET(_ f: UnconditionalBranchRegister) -> TranslationStep {
        ir.branchIndirect(X(f.Rn))
        return .ended
    }

    /// `ERET`: UNDEFINED at EL0.
    mutating func ERET(_ f: UnconditionalBranchRegister) -> TranslationStep { undefined() }
    /// `DRPS`: UNDEFINED outside Debug state.
    mutating func DRPS(_ f: UnconditionalBranchRegister) -> TranslationStep { undefined() }
}
