import EmuIR
import Testing

@Suite struct OpcodeTableTests {
    @Test func rowsStandInTheOrderOfTheEnumeration() {
        #expect(Opcode.table.map(\.opcode) == Opcode.allCases)
        #expect(Set(Opcode.table.map { "\($0.name)" }).count == Opcode.allCases.count)
    }

    @Test(arguments: Opcode.allCases)
    func resultTypeFollowsTheRow(_ op: Opcode) {
        let info = op.info
        for type in info.types.isEmpty ? [IRType.none] : info.types {
            let expected: IRType =
                switch info.result {
                case .none: .none
                case .fixed(let fixed): fixed
                case .own: type
                }
            #expect(IRInst(op, type).resultType == expected, "\(info.name).\(type.name)")
        }
    }

    /// What makes IR text unambiguous.
    @Test(arguments: Opcode.allCases)
    func rowHasAtMostOneNamedFieldAndDistinctKeys(_ op: Opcode) {
        let info = op.info
        var named = 0
        var keys: [String] = []
        for field in [info.aux, info.flags, info.imm, info.imm2] {
            switch field {
            case .unused: break
            case .hex(let key), .signed(let key), .number(let key, below: _): keys.append("\(key)")
            case .memFlags: keys.append("flags")
            case .slot, .condition, .atomicOp, .fenceKind, .exceptionKind, .helper, .fpBinary, .fpUnary: named += 1
            }
        }
        #expect(named <= 1)
        #expect(Set(keys).count == keys.count)
    }

    @Test(arguments: Opcode.allCases.filter(\.effects.isPure))
    func removableOperationsHaveNoEffect(_ op: Opcode) {
        #expect(op.effects.isSubset(of: [.readsFlags, .readsState, .readsMemory]))
    }
}
