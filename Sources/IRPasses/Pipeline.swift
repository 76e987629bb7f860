package import EmuIR
internal import Support

/// The passes that follow plugin-gen, in their only order. Holds their scratch memory: one per translating thread.
///
/// Every pass keeps the order of faults, exact guest state before each operation that can fault or leave, and every plugin
/// observation.
package struct PassPipeline: ~Copyable {
    package struct Flags: OptionSet, Sendable {
        package let rawValue: UInt8
        package init(rawValue: UInt8) { self.rawValue = rawValue }
        package static let forwarding = Flags(rawValue: 1)
        package static let deadState = Flags(rawValue: 2)
        package static let all: Flags = [.forwarding, .deadState]
    }

    package var enabled: Flags
    var scratch = PassScratch()

    package init(enabled: Flags = .all) { self.enabled = enabled }

    package mutating func run(_ block: inout IRBlock) {
        if enabled.contains(.forwarding) { StateForwarding.run(&block, &scratch) }
        if enabled.contains(.deadState) { DeadState.run(&block, &scratch) }
    }
}

/// Memory the passes reuse from block to block.
struct PassScratch: ~Copyable {
    var output = Scratch<IRInst>(capacity: 1024)
    /// New number of each old value.
    var remap = Scratch<Value>(capacity: 1024)
    /// The value each guest register is known to hold.
    var known = Scratch<Value>(capacity: StateSlot.count)
    var isUsed = Scratch<Bool>(capacity: 1024)
    var isDead = Scratch<Bool>(capacity: 1024)
    /// The epoch in which a guest register was seen to be overwritten before anybody looks; it is live in any other epoch.
    var overwrittenIn = Scratch<UInt64>(capacity: StateSlot.count)
    var epoch: UInt64 = 1
    let effects = Opcode.effectsTable

    init() {
        known.fill(.none, count: StateSlot.count)
        overwrittenIn.fill(0, count: StateSlot.count)
    }

    /// Makes every guest register live.
    mutating func liveAgain() { epoch += 1 }
}

extension IRInst {
    /// The instruction with its operands renumbered.
    func renumbered(_ new: (Value) -> Value) -> IRInst {
        var copy = self
        if !a.isNone { copy.a = new(a) }
        if !b.isNone { copy.b = new(b) }
        if !c.isNone { copy.c = new(c) }
        return copy
    }
}
