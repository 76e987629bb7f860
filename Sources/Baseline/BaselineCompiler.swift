internal import CHost
package import EmuIR
internal import GuestState

/// Makes host code of one TB in one pass over its IR, in a few microseconds: tier 1 of `--tier=auto`.
///
/// Values live in host registers from where they are computed to their last use; each `set` is a store at once, so guest state in
/// memory is exact before every access that can fault. Nothing is reordered. R12 is the CPU struct, as everywhere in generated code;
/// of R13 nothing is expected, because other baseline code jumps here directly, but what is jumped to through a slot finds its TB there.
///
/// Which instruction a fault belongs to is known by the host address (`faultTable`), at no cost in the code.
package struct BaselineCompiler: ~Copyable {
    var asm: Assembler
    var insts: UnsafeBufferPointer<IRInst>
    /// One for each IR instruction.
    var states: UnsafeMutablePointer<ValueState>
    private var stateCapacity: Int
    /// The value in each host register; -1 none. Vector registers behind the general ones.
    let owners: UnsafeMutablePointer<Int32>
    /// Registers that the operation at hand works with.
    var pinned: UInt32 = 0
    /// The value that the memory of a guest register (32 X, 32 V) is the home of; -1 none.
    let holders: UnsafeMutablePointer<Int32>
    /// Index of the IR operation at hand.
    var current = 0
    /// Index of the guest instruction at hand.
    var instruction = -1
    /// Next free byte of the CPU struct's scratch area.
    var spillOffset: Int32 = 0
    /// Something has no code here: the TB goes to the other compiler.
    var hasFailed = false
    /// What the host's flags say, and the assembler's epoch in which they do.
    var comparison = Comparison()
    /// What stands behind the code.
    var coldPaths: [ColdPath] = []
    /// Host offsets from which on accesses belong to a guest instruction.
    package private(set) var faultTable: [FaultEntry] = []

    /// Where the code of the last `compile` has numbers of this process.
    package var relocations: [Relocation] { asm.relocations }

    /// The jumps of the two slots.
    package private(set) var slotJumps: (SlotJump?, SlotJump?) = (nil, nil)
    var pc: UInt64 = 0
    var tbAddress: UInt = 0
    var tbIndex: UInt32 = 0
    var tbFlags: UInt32 = 0
    var chains = true

    package struct FaultEntry: BitwiseCopyable {
        package let offset: UInt32
        package let instruction: UInt16
        /// Written to files, as all of it.
        private let padding: UInt16 = 0

        package init(offset: UInt32, instruction: UInt16) {
            self.offset = offset
            self.instruction = instruction
        }
    }

    /// Offsets in the code: of the distance in a slot's jump, and of where it leads at first.
    package struct SlotJump: BitwiseCopyable {
        package let distance: Int
        package let slow: Int

        package init(distance: Int, slow: Int) {
            self.distance = distance
            self.slow = slow
        }
    }
    mutating func note(_ jump: SlotJump, slot: Int) {
        if slot == 0 { slotJumps.0 = jump } else { slotJumps.1 = jump }
    }

    /// Operands of the operation that the host's flags come from.
    struct Comparison {
        var a = Value.none
        var b = Value.none
        var type = IRType.none
        /// Flags of `a` alone, with the carry and the overflow clear.
        var isLogic = false
        var epoch: UInt32 = .max
    }

    package init() {
        asm = Assembler(capacity: 1 << 20)
        insts = UnsafeBufferPointer(start: nil, count: 0)
        stateCapacity = 4096
        states = .allocate(capacity: stateCapacity)
        owners = .allocate(capacity: 32)
        holders = .allocate(capacity: 64)
        coldPaths.reserveCapacity(64)
        faultTable.reserveCapacity(512)
    }
    deinit {
        states.deallocate()
        owners.deallocate()
        holders.deallocate()
    }

    /// Whether this host has the instructions that the code uses.
    package static let isSupported: Bool = nt_host_instructions() & NT_HOST_BASELINE != 0

    /// - Parameter tbIndex: of the TB in the engine's table, for fault points.
    /// - Parameter tbAddress: of its `nt_tb`.
    /// - Parameter chains: whether branches go straight to the next TB.
    /// - Returns: the code, valid until the next call; nil when some operation has none here.
    package mutating func compile(
        _ block: IRBlock, tbIndex: UInt32, tbAddress: UInt, chains: Bool
    ) -> UnsafeRawBufferPointer? {
        reset(block)
        self.tbIndex = tbIndex
        self.tbAddress = tbAddress
        self.chains = chains
        block.insts.withUnsafeBufferPointer { insts in
            self.insts = insts
            noteUses()
            for i in 0..<insts.count {
                // The longest sequence of one operation, with its cold path.
                if hasFailed || asm.room < 4096 + coldPaths.count * 1024 {
                    hasFailed = true
                    break
                }
                current = i
                pinned = 0
                emit(insts[i])
            }
            if !hasFailed { finishColdPaths() }
            asm.finishPool()
        }
        insts = UnsafeBufferPointer(start: nil, count: 0)
        return hasFailed ? nil : UnsafeRawBufferPointer(start: asm.start, count: asm.offset)
    }

    private mutating func reset(_ block: IRBlock) {
        asm.reset()
        coldPaths.removeAll(keepingCapacity: true)
        faultTable.removeAll(keepingCapacity: true)
        slotJumps = (nil, nil)
        hasFailed = false
        instruction = -1
        spillOffset = Int32(NT_CPU_TEMPS) + Self.coldSaveBytes
        comparison = Comparison()
        pc = block.pc
        tbFlags = block.flags
        let count = block.insts.count
        if count > stateCapacity {
            states.deallocate()
            stateCapacity = count * 2
            states = .allocate(capacity: stateCapacity)
        }
        for i in 0..<count { (states + i).initialize(to: ValueState(root: Int32(truncatingIfNeeded: i))) }
        owners.initialize(repeating: -1, count: 32)
        holders.initialize(repeating: -1, count: 64)
    }

    /// Last uses, backwards. What shares a register, and operands of comparisons made late, live as long as what stands for them.
    private mutating func noteUses() {
        /// The nearest operation behind that writes NZCV.
        var flagsWrite = Int32.max
        for i in stride(from: insts.count - 1, through: 0, by: -1) {
            let inst = insts[i]
            var use = Int32(truncatingIfNeeded: i)
            switch inst.op {
            case .trunc, .zext, .icmpEQ, .icmpNE, .icmpULT, .icmpULE, .icmpSLT, .icmpSLE:
                use = max(use, states[i].lastUse)
            case .cond:
                // Made late only while the flags are still those.
                if flagsWrite >= states[i].lastUse { states[i].kind = .deferred }
            default: break
            }
            if !inst.a.isNone { states[inst.a.index].lastUse = max(states[inst.a.index].lastUse, use) }
            if !inst.b.isNone { states[inst.b.index].lastUse = max(states[inst.b.index].lastUse, use) }
            if !inst.c.isNone { states[inst.c.index].lastUse = max(states[inst.c.index].lastUse, use) }
            if inst.exactEffects.includesAny(of: [.writesFlags]) { flagsWrite = Int32(truncatingIfNeeded: i) }
        }
    }

    /// The accesses that follow belong to the guest instruction at hand.
    mutating func noteFaultPoint() {
        if let last = faultTable.last, last.instruction == UInt16(truncatingIfNeeded: instruction) { return }
        faultTable.append(
            FaultEntry(offset: UInt32(truncatingIfNeeded: asm.offset), instruction: UInt16(truncatingIfNeeded: instruction)))
    }

    /// For accesses in C functions, and exceptions that leave in mid-TB: makes cpu->fault_point name the instruction.
    mutating func storeFaultPoint() {
        let point = tbIndex << UInt32(NT_FAULT_POINT_INSN_BITS) | UInt32(max(instruction, 0))
        asm.mov(HostAddress(cpu: Int(NT_CPU_FAULT_POINT)), Int32(bitPattern: point), size: 2)
        asm.note(.faultPoint)
    }

    private mutating func emit(_ i: IRInst) {
        switch i.op {
        case .nop: break
        case .insn: instruction += 1
        case .const: states[current].kind = .constant
        case .get: emitGet(i)
        case .set: emitSet(i)
        case .add, .sub, .mul, .umulh, .smulh, .udiv, .sdiv, .adc, .sbc, .and, .or, .xor, .andNot, .not, .shl, .lshr,
            .ashr, .ror, .clz, .cls, .rbit, .bswap, .rev16, .ubfx, .sbfx, .bfi, .extr, .zext, .sext, .trunc, .select,
            .crc32, .crc32c:
            emitInteger(i)
        case .icmpEQ, .icmpNE, .icmpULT, .icmpULE, .icmpSLT, .icmpSLE: states[current].kind = .deferred
        case .cond: emitCond(i)
        case .flagsAdd, .flagsSub, .flagsAdc, .flagsSbc, .flagsLogic, .flagsCcmpSub, .flagsCcmpAdd, .flagsSet, .flagsGet:
            emitFlags(i)
        case .load, .store, .loadExclusive, .storeExclusive, .clearExclusive, .atomicRMW, .compareAndSwap, .fence,
            .zeroBlock:
            emitMemory(i)
        case .pack128, .lo64, .hi64, .vconst, .vand, .vor, .vxor, .vandNot, .vnot, .vselect, .vadd, .vsub, .vmul, .vneg,
            .vabs, .vsmax, .vsmin, .vumax, .vumin, .vsqadd, .vuqadd, .vsqsub, .vuqsub, .vsqdmulh, .vsqrdmulh,
            .vcmpEQ, .vcmpSGT, .vcmpSGE, .vcmpUGT, .vcmpUGE, .vshl, .vlshr, .vashr, .vdup, .vinsert, .vextract, .vext,
            .vzip1, .vzip2, .vuzp1, .vuzp2, .vtrn1, .vtrn2, .vrev, .vnarrow, .vsextLow, .vzextLow, .vcnt:
            emitVector(i)
        case .fpBinary, .fpUnary, .fpFMA, .fpConvert, .fpToInt, .fpFromInt, .fpToGeneral, .fpFromGeneral, .flagsFPCompare,
            .fpCollect:
            emitFloatingPoint(i)
        case .call: emitHelperCall(i)
        case .pluginAdd, .pluginStore, .pluginLoad, .pluginCall, .pluginCallIf, .pluginMemCall: emitPlugin(i)
        case .chain, .branchIf, .branchIndirect, .raise, .exitTo: emitTerminator(i)
        }
    }
}
