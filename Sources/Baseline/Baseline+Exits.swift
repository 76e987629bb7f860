internal import CHost
internal import EmuIR

/// The ways out of a TB, and code that is rarely run, which stands behind the rest.
extension BaselineCompiler {
    struct ColdPath {
        enum Kind {
            /// An exit request was seen: leaves for `pc`, which is in RAX for indirect branches.
            case request
            case requestIndirect
            /// To the next TB through slot `index`, while nothing more direct is known.
            case slot
            /// The jump cache has no TB for RAX.
            case lookup
            /// An ordered access that must be aligned is not; RDX is its address.
            case alignment
            /// CHost's function computes the operation at `index`.
            case floatingPoint
        }
        let kind: Kind
        let jump: Assembler.Jump
        var pc: UInt64 = 0
        var instruction = 0
        /// For `slot` its number. For `floatingPoint`: the operation, the registers of its operands (255: none), all that hold values, and where to go on.
        var index = 0
        var a: UInt8 = 255
        var b: UInt8 = 255
        var c: UInt8 = 255
        var result: UInt8 = 255
        var live: UInt32 = 0
        var resume = 0

        init(_ kind: Kind, _ jump: Assembler.Jump, pc: UInt64 = 0, instruction: Int = 0) {
            self.kind = kind
            self.jump = jump
            self.pc = pc
            self.instruction = instruction
        }
    }

    mutating func storePC(_ value: UInt64) {
        let m = HostAddress(cpu: Int(NT_CPU_PC))
        if let small = Int32(exactly: Int64(bitPattern: value)) {
            asm.mov(m, small, size: 3)
        } else {
            asm.mov(.rax, value)
            asm.mov(m, .rax, wide: true)
        }
    }

    private mutating func leave(_ exit: nt_exit) {
        asm.mov(.rax, UInt64(exit.rawValue))
        asm.ret()
    }

    mutating func emitTerminator(_ i: IRInst) {
        switch i.op {
        case .chain: jump(to: i.imm, slot: 0)
        case .branchIf:
            switch truth(i.a) {
            case .always: jump(to: i.imm, slot: 0)
            case .never: jump(to: i.imm2, slot: 1)
            case .when(let condition):
                // The way that need not poll is one conditional jump.
                if chains, i.imm > pc {
                    leave(if: condition, slot: 0)
                    jump(to: i.imm2, slot: 1)
                } else if chains, i.imm2 > pc {
                    leave(if: condition.opposite, slot: 1)
                    jump(to: i.imm, slot: 0)
                } else {
                    let taken = asm.jump(if: condition)
                    jump(to: i.imm2, slot: 1)
                    asm.land(taken)
                    jump(to: i.imm, slot: 0)
                }
            }
        case .branchIndirect:
            copy(i.a, to: .rax)
            jumpIndirect()
        case .raise:
            asm.mov(HostAddress(cpu: Int(NT_CPU_EXCEPTION)), Int32(i.aux), size: 3)
            asm.mov(.rax, i.imm)
            asm.mov(HostAddress(cpu: Int(NT_CPU_EXCEPTION_INFO)), .rax, wide: true)
            storePC(i.imm2)
            leave(NT_EXIT_EXCEPTION)
        case .exitTo:
            storePC(i.imm)
            leave(NT_EXIT_LOOKUP)
        default: preconditionFailure("not a terminator: \(i.op)")
        }
    }

    /// Every loop has a backward or an indirect branch, so polling there is enough to leave it.
    private mutating func poll(_ kind: ColdPath.Kind, _ target: UInt64 = 0) {
        asm.arithmetic(.cmp, HostAddress(cpu: Int(NT_CPU_EXIT_REQUEST)), 0, wide: false)
        coldPaths.append(ColdPath(kind, asm.jump(if: .notEqual), pc: target))
    }

    private mutating func jump(to target: UInt64, slot: Int) {
        guard chains else {
            storePC(target)
            return leave(NT_EXIT_LOOKUP)
        }
        if target <= pc {
            poll(.request, target)
        }
        leave(by: asm.alignedJump(), slot: slot)
    }

    private mutating func leave(if condition: HostCondition, slot: Int) { leave(by: asm.alignedJump(if: condition), slot: slot) }
    private mutating func leave(by jump: Assembler.Jump, slot: Int) {
        var path = ColdPath(.slot, jump)
        path.index = slot
        coldPaths.append(path)
    }

    /// To the guest PC in RAX through the jump cache: nt_jump_cache_index and one compare.
    private mutating func jumpIndirect() {
        guard chains else {
            asm.mov(HostAddress(cpu: Int(NT_CPU_PC)), .rax, wide: true)
            return leave(NT_EXIT_LOOKUP)
        }
        poll(.requestIndirect)
        // index * sizeof(entry) in one mask: (pc >> 2 & (size - 1)) * 16 == (pc << 2) & ((size - 1) << 4)
        asm.mov(.rcx, .rax, wide: false)
        asm.shift(.left, .rcx, 2, wide: false)
        asm.arithmetic(.and, .rcx, Int32(NT_JUMP_CACHE_SIZE - 1) << 4, wide: false)
        let cache = Int32(NT_JUMP_CACHE_OFFSET) + Int32(tbFlags & UInt32(NT_TB_FPCR)) * Int32(NT_JUMP_CACHE_BYTES)
        asm.arithmetic(.cmp, .rax, HostAddress(HostRegisters.cpu, index: .rcx, cache), wide: true)
        coldPaths.append(ColdPath(.lookup, asm.jump(if: .notEqual)))
        asm.mov(HostRegisters.tb, HostAddress(HostRegisters.cpu, index: .rcx, cache + 8), wide: true)
        asm.jump(through: HostAddress(tb: Int(NT_TB_ENTRY)))
    }

    mutating func finishColdPaths() {
        let storedPC = HostAddress(cpu: Int(NT_CPU_PC))
        for path in coldPaths {
            asm.land(path.jump)
            switch path.kind {
            case .request:
                storePC(path.pc)
                leave(NT_EXIT_REQUEST)
            case .requestIndirect:
                asm.mov(storedPC, .rax, wide: true)
                leave(NT_EXIT_REQUEST)
            case .slot:
                note(SlotJump(distance: Int(path.jump.at), slow: asm.offset), slot: path.index)
                let offset = Int(NT_TB_SLOTS_OFFSET) + path.index * Int(NT_SLOT_SIZE) + Int(NT_SLOT_TARGET)
                asm.mov(HostRegisters.tb, address: tbAddress, .block)
                asm.mov(HostRegisters.tb, HostAddress(tb: offset), wide: true)
                asm.jump(through: HostAddress(tb: Int(NT_TB_ENTRY)))
            case .lookup:
                asm.mov(storedPC, .rax, wide: true)
                leave(NT_EXIT_LOOKUP)
            case .alignment:
                asm.mov(HostAddress(cpu: Int(NT_CPU_EXCEPTION)), Int32(NT_EXCEPTION_DATA_ALIGNMENT.rawValue), size: 3)
                asm.mov(HostAddress(cpu: Int(NT_CPU_EXCEPTION_INFO)), .rdx, wide: true)
                instruction = path.instruction
                storeFaultPoint()
                leave(NT_EXIT_EXCEPTION)
            case .floatingPoint: finish(path)
            }
        }
    }
}
