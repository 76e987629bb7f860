/// Where a block leads to, as far as it says by itself.
extension IRBlock {
    /// Guest addresses that the terminator names.
    package var directSuccessors: [UInt64] {
        guard let end = insts.last else { return [] }
        switch end.op {
        case .chain: return [end.imm]
        case .branchIf: return end.imm == end.imm2 ? [end.imm] : [end.imm, end.imm2]
        default: return []
        }
    }

    /// The last guest instruction's word; 0 when the block has none.
    private var lastWord: UInt32 { UInt32(truncatingIfNeeded: insts.last { $0.op == .insn }?.imm2 ?? 0) }

    /// The block ends in RET, RETAA or RETAB.
    package var endsInReturn: Bool {
        guard insts.last?.op == .branchIndirect else { return false }
        return lastWord & 0xffff_fc1f == 0xd65f_0000 || lastWord & 0xffff_fbff == 0xd65f_0bff
    }

    /// The block ends in a call (BL, BLR and their authenticating forms).
    package var endsInCall: Bool {
        lastWord & 0xfc00_0000 == 0x9400_0000 || lastWord & 0xfeff_f800 == 0xd63f_0000 || lastWord & 0xfeff_f800 == 0xd63f_0800
    }

    /// The guest address behind the block.
    package var end: UInt64 { pc &+ UInt64(sizeInBytes) }
}

extension IRInst {
    /// What the operation does, with what its fields say taken into account (the opcode's row is the upper bound).
    package var exactEffects: Effects { exactEffects(Opcode.effectsTable) }

    /// The same, given `Opcode.effectsTable`: asking for a global takes a call.
    @inlinable public func exactEffects(_ table: UnsafePointer<Effects>) -> Effects {
        switch op {
        case .call, .pluginCall, .pluginCallIf, .pluginMemCall: return effectsOfCall
        default: return table[op.number]
        }
    }

    @usableFromInline var effectsOfCall: Effects {
        switch op {
        case .call: return Helper(rawValue: UInt16(truncatingIfNeeded: imm))?.signature.effects ?? op.effects
        case .pluginCall, .pluginCallIf, .pluginMemCall:
            // Callback flags: 0 touches no guest register, 1 reads, 2 and 3 read and write.
            switch flags {
            case 0: return .observer
            case 1: return [.observer, .readsState, .readsFlags]
            default: return op.effects
            }
        default: return op.effects
        }
    }
}
