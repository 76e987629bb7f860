internal import CInterpreter
internal import EmuIR

extension Predecoder {
    /// `imm`: what to do in the low half, lane and count in the high one; `c` is the operation of `fp_unary`.
    mutating func emitFloatingPoint(_ inst: IRInst, _ i: Int, _ block: BlockView) {
        let shape = (UInt64(inst.aux) | UInt64(inst.flags) << 8) << 32
        switch inst.op {
        case .fpBinary: elements(NT_OP_fp_binary, inst, i, block, inst.imm | shape)
        case .fpUnary: elements(NT_OP_fp_unary, inst, i, block, inst.imm2 | shape, c: UInt16(inst.imm))
        case .fpFMA: elements(NT_OP_fp_fma, inst, i, block, shape)
        case .fpConvert: elements(NT_OP_fp_convert, inst, i, block, inst.imm | inst.imm2 << 8 | shape)
        case .fpToInt: elements(NT_OP_fp_to_int, inst, i, block, inst.imm | shape)
        case .fpFromInt: elements(NT_OP_fp_from_int, inst, i, block, inst.imm | shape)
        case .fpFromGeneral: elements(NT_OP_fp_from_general, inst, i, block, inst.imm | shape)
        case .fpToGeneral:
            let a = place(inst.a, block)
            let d = define(i)
            append(Cell(Operation(NT_OP_fp_to_general), d: d, a: a, imm: inst.imm | shape), from: i)
        case .flagsFPCompare:
            let a = place(inst.a, block)
            let b = place(inst.b, block)
            append(Cell(Operation(NT_OP_flags_fp_compare), a: a, b: b, imm: inst.imm | shape))
        case .fpCollect: append(Cell(Operation(NT_OP_fp_collect)))
        default: preconditionFailure("not a floating-point operation: \(inst.op)")
        }
    }

    private mutating func elements(
        _ operation: nt_interp_op, _ inst: IRInst, _ i: Int, _ block: BlockView, _ imm: UInt64, c unused: UInt16 = 0
    ) {
        let a = place(inst.a, block)
        let b = inst.b.isNone ? 0 : place(inst.b, block)
        let c = inst.c.isNone ? unused : place(inst.c, block)
        let d = define(i, wide: true)
        append(Cell(Operation(operation), d: d, a: a, b: b, c: c, imm: imm), from: i)
    }
}
