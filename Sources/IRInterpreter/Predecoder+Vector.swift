internal import CInterpreter
internal import EmuIR

extension Predecoder {
    mutating func emitVector(_ inst: IRInst, _ i: Int, _ block: BlockView) {
        let lane = Int(inst.aux)
        switch inst.op {
        case .lo64: break
        case .hi64:
            let a = place(inst.a, block)
            let d = define(i)
            append(Cell(Operation(NT_OP_mov64), d: d, a: a + 8), from: i)
        case .vextract:
            let a = place(inst.a, block)
            let d = define(i)
            append(Cell(Operation(NT_OP_vextract_b, offset: lane), d: d, a: a, imm: inst.imm), from: i)
        case .pack128: wide(NT_OP_pack128, 0, inst, i, block)
        case .vand: wide(NT_OP_vand, 0, inst, i, block)
        case .vor: wide(NT_OP_vor, 0, inst, i, block)
        case .vxor: wide(NT_OP_vxor, 0, inst, i, block)
        case .vandNot: wide(NT_OP_vand_not, 0, inst, i, block)
        case .vnot: wide(NT_OP_vnot, 0, inst, i, block)
        case .vselect: wide(NT_OP_vselect, 0, inst, i, block)
        case .vadd: wide(NT_OP_vadd_b, lane, inst, i, block)
        case .vsub: wide(NT_OP_vsub_b, lane, inst, i, block)
        case .vmul: wide(NT_OP_vmul_b, lane, inst, i, block)
        case .vneg: wide(NT_OP_vneg_b, lane, inst, i, block)
        case .vabs: wide(NT_OP_vabs_b, lane, inst, i, block)
        case .vsmax: wide(NT_OP_vsmax_b, lane, inst, i, block)
        case .vsmin: wide(NT_OP_vsmin_b, lane, inst, i, block)
        case .vumax: wide(NT_OP_vumax_b, lane, inst, i, block)
        case .vumin: wide(NT_OP_vumin_b, lane, inst, i, block)
        case .vsqadd: wide(NT_OP_vsqadd_b, lane, inst, i, block)
        case .vuqadd: wide(NT_OP_vuqadd_b, lane, inst, i, block)
        case .vsqsub: wide(NT_OP_vsqsub_b, lane, inst, i, block)
        case .vuqsub: wide(NT_OP_vuqsub_b, lane, inst, i, block)
        case .vsqdmulh: wide(lane == 1 ? NT_OP_vsqdmulh_h : NT_OP_vsqdmulh_s, 0, inst, i, block)
        case .vsqrdmulh: wide(lane == 1 ? NT_OP_vsqrdmulh_h : NT_OP_vsqrdmulh_s, 0, inst, i, block)
        case .vcmpEQ: wide(NT_OP_vcmp_eq_b, lane, inst, i, block)
        case .vcmpSGT: wide(NT_OP_vcmp_sgt_b, lane, inst, i, block)
        case .vcmpSGE: wide(NT_OP_vcmp_sge_b, lane, inst, i, block)
        case .vcmpUGT: wide(NT_OP_vcmp_ugt_b, lane, inst, i, block)
        case .vcmpUGE: wide(NT_OP_vcmp_uge_b, lane, inst, i, block)
        case .vshl: wide(NT_OP_vshl_b, lane, inst, i, block)
        case .vlshr: wide(NT_OP_vlshr_b, lane, inst, i, block)
        case .vashr: wide(NT_OP_vashr_b, lane, inst, i, block)
        case .vdup: wide(NT_OP_vdup_b, lane, inst, i, block)
        case .vinsert: wide(NT_OP_vinsert_b, lane, inst, i, block)
        case .vext: wide(NT_OP_vext, 0, inst, i, block)
        case .vzip1: wide(NT_OP_vzip1_b, lane, inst, i, block)
        case .vzip2: wide(NT_OP_vzip2_b, lane, inst, i, block)
        case .vuzp1: wide(NT_OP_vuzp1_b, lane, inst, i, block)
        case .vuzp2: wide(NT_OP_vuzp2_b, lane, inst, i, block)
        case .vtrn1: wide(NT_OP_vtrn1_b, lane, inst, i, block)
        case .vtrn2: wide(NT_OP_vtrn2_b, lane, inst, i, block)
        case .vrev:
            // The mask that flips lane numbers inside a container.
            wide(NT_OP_vrev_b, lane, inst, i, block, imm: (1 << (inst.imm - UInt64(lane))) - 1)
        case .vnarrow: wide(NT_OP_vnarrow_b, lane, inst, i, block)
        case .vsextLow: wide(NT_OP_vsext_low_b, lane, inst, i, block)
        case .vzextLow: wide(NT_OP_vzext_low_b, lane, inst, i, block)
        case .vcnt: wide(NT_OP_vcnt, 0, inst, i, block)
        default: preconditionFailure("not a vector operation: \(inst.op)")
        }
    }

    /// An operation with a 16-byte result and up to three operands in order.
    private mutating func wide(
        _ first: nt_interp_op, _ offset: Int, _ inst: IRInst, _ i: Int, _ block: BlockView, imm: UInt64? = nil
    ) {
        let a = place(inst.a, block)
        let b = inst.b.isNone ? 0 : place(inst.b, block)
        let c = inst.c.isNone ? 0 : place(inst.c, block)
        let d = define(i, wide: true)
        append(Cell(Operation(first, offset: offset), d: d, a: a, b: b, c: c, imm: imm ?? inst.imm), from: i)
    }
}
