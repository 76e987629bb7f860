package import EmuIR

/// Guest state as the evaluator keeps it, by storage slot.
package struct GuestImage: Equatable, Sendable {
    /// By `StateSlot.storage`; index 31 is SP.
    package var slots = [UInt128](repeating: 0, count: 96)
    /// N is bit 3, V bit 0.
    package var nzcv: UInt8 = 0
    /// Bytes written; others are a function of their address.
    package var memory: [UInt64: UInt8] = [:]
    package var monitor: Monitor?
    /// u64 entries of the vCPU arena by offset.
    package var arena: [UInt64: UInt64] = [:]

    package struct Monitor: Equatable, Sendable {
        package var address: UInt64
        package var size: UInt8
        package var value: UInt128
    }

    package init() {}

    /// Random registers and flags, with a liking for edge values.
    package init(using generator: inout SplitMix64) {
        for n in slots.indices {
            slots[n] = UInt128(generator.edgeValue())
            if n >= 64 { slots[n] |= UInt128(generator.edgeValue()) << 64 }
        }
        nzcv = UInt8.random(in: 0..<16, using: &generator)
    }

    package func read(_ address: UInt64, bytes: Int) -> UInt128 {
        var value: UInt128 = 0
        for k in 0..<bytes {
            let at = address &+ UInt64(k)
            value |= UInt128(memory[at] ?? UInt8(truncatingIfNeeded: (at &* 0x9e37_79b9) >> 11)) << UInt128(8 * k)
        }
        return value
    }

    package mutating func write(_ address: UInt64, bytes: Int, _ value: UInt128) {
        for k in 0..<bytes {
            memory[address &+ UInt64(k)] = UInt8(truncatingIfNeeded: value >> UInt128(8 * k))
        }
    }
}

extension SplitMix64 {
    package mutating func edgeValue() -> UInt64 {
        switch Int.random(in: 0..<8, using: &self) {
        case 0: 0
        case 1: .max
        case 2: 1
        case 3: 1 << 63
        case 4: 0x7fff_ffff
        case 5: 0xffff_ffff_8000_0000
        default: next()
        }
    }
}

/// Executes IR by its documented meaning, one operation after the other: the oracle of the passes' tests and of the tiers.
///
/// Slow and plain on purpose. Plugin calls are recorded with everything they may see; those that may write registers change
/// some, and those to an odd address reset the arena entry at 0x20000, so that a stale copy shows.
package struct IREvaluator {
    package enum Outcome: Equatable, Sendable {
        /// The terminator, the PC it goes to, and the exception's kind and info for `raise`.
        case left(Opcode, pc: UInt64, kind: UInt8, info: UInt64)
        /// A memory operation of this guest instruction faulted.
        case faulted(instruction: Int)
    }

    /// What somebody outside can tell.
    package enum Event: Equatable, Sendable {
        case access(Opcode, address: UInt64, bytes: Int, flags: UInt8)
        case fence(UInt8)
        case helper(Helper)
        /// `registers` is nil for callbacks without register permission.
        case call(
            function: UInt64, userdata: UInt64, regs: UInt8, memoryAccess: ReportedAccess?, registers: GuestImage?,
            arena: [UInt64: UInt64])
    }

    /// What a memory callback is told.
    package struct ReportedAccess: Equatable, Sendable {
        package var info: UInt32
        package var address: UInt64
        /// Truncated to the access size; nil when the callback gets none.
        package var value: UInt128?

        package init(info: UInt32, address: UInt64, value: UInt128?) {
            self.info = info
            self.address = address
            self.value = value
        }
    }

    /// A successful memory operation, as hooks see it.
    package struct CompletedAccess {
        package var inst: IRInst
        package var address: UInt64
        /// What memory held before, and holds after.
        package var old: UInt128
        package var new: UInt128
        /// The value operand that was, or would have been, stored.
        package var operand: UInt128
        /// False for an exclusive store that the monitor refused.
        package var happened: Bool
    }

    package var image: GuestImage
    package var events: [Event] = []
    /// Which operation that can fault does, counted from 0; nil for none.
    package var faultAt: Int?
    /// Operations that could fault, so far.
    package internal(set) var faultPoints = 0
    /// Called behind each `insn` and behind each successful access, with the number of the guest instruction.
    package var onInstruction: ((inout IREvaluator, Int) -> Void)?
    package var onAccess: ((inout IREvaluator, Int, CompletedAccess) -> Void)?

    var values: [UInt128] = []
    var instruction = -1
    private var calls: UInt64 = 0

    package init(_ image: GuestImage, faultAt: Int? = nil) {
        self.image = image
        self.faultAt = faultAt
    }

    /// - Precondition: The block passes the verifier.
    package mutating func run(_ block: IRBlock) -> Outcome {
        values = []
        instruction = -1
        for inst in block.insts {
            if inst.op == .insn { instruction += 1 }
            if inst.op.effects.contains(.mayFault), inst.op != .call {
                defer { faultPoints += 1 }
                if faultPoints == faultAt { return .faulted(instruction: instruction) }
            }
            if let outcome = leave(inst) { return outcome }
            let value = evaluate(inst, block)
            values.append(value & mask(inst.resultType.bits))
            // Behind the append, so that a hook finds the evaluator at rest.
            if let done = completed {
                completed = nil
                onAccess?(&self, instruction, done)
            }
            if inst.op == .insn { onInstruction?(&self, instruction) }
        }
        preconditionFailure("the block has no terminator")
    }

    var completed: CompletedAccess?

    private func leave(_ inst: IRInst) -> Outcome? {
        switch inst.op {
        case .chain, .exitTo: .left(inst.op, pc: inst.imm, kind: 0, info: 0)
        case .branchIf: .left(inst.op, pc: values[inst.a.index] != 0 ? inst.imm : inst.imm2, kind: 0, info: 0)
        case .branchIndirect:
            .left(inst.op, pc: UInt64(truncatingIfNeeded: values[inst.a.index]), kind: 0, info: 0)
        case .raise: .left(inst.op, pc: inst.imm2, kind: inst.aux, info: inst.imm)
        default: nil
        }
    }

    // MARK: Plugin calls

    /// Records a callback, and does what one with write permission might do.
    package mutating func call(function: UInt64, userdata: UInt64, regs: UInt8, memoryAccess: ReportedAccess? = nil) {
        var registers: GuestImage?
        if regs != 0 {
            registers = image
            registers?.arena = [:]
        }
        events.append(
            .call(
                function: function, userdata: userdata, regs: regs, memoryAccess: memoryAccess, registers: registers,
                arena: image.arena.filter { $0.value != 0 }))
        calls += 1
        if function & 1 != 0 { image.arena[0x20000] = 0 }
        if regs >= 2 {
            for n in stride(from: 0, to: 4, by: 1) {
                image.slots[n] = UInt128(UInt64(truncatingIfNeeded: image.slots[n]) &* 0x9e37_79b9_7f4a_7c15 &+ calls)
                image.slots[64 + n] ^= UInt128(calls) << 40 | 0x55
            }
            image.nzcv = (image.nzcv &* 7 &+ UInt8(truncatingIfNeeded: calls)) & 15
        }
    }
}

/// The lowest `bits` bits set, 0...128.
func mask(_ bits: Int) -> UInt128 { bits >= 128 ? .max : (1 << UInt128(bits)) - 1 }
