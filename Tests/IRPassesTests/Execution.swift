import EmuIR
import IRPasses
import TestSupport

/// All that can be told of one execution of a block.
struct Execution: Equatable {
    var outcome: IREvaluator.Outcome
    var image: GuestImage
    var events: [IREvaluator.Event]
    var faultPoints: Int

    /// - Parameter adjustments: Applied when the execution ends in a fault, as the engine does.
    init(
        _ block: IRBlock, from image: GuestImage, faultAt: Int? = nil, adjustments: [FaultAdjustment] = [],
        reference: TBInstrumentation? = nil
    ) {
        var evaluator = IREvaluator(image, faultAt: faultAt)
        if let reference { ReferenceInstrumentation.attach(reference, to: &evaluator) }
        outcome = evaluator.run(block)
        self.image = evaluator.image
        if case .faulted(let instruction) = outcome {
            for adjustment in adjustments where adjustment.applies(toFaultAt: instruction) {
                self.image.arena[adjustment.offset, default: 0] &-= adjustment.amount
            }
        }
        self.image.arena = self.image.arena.filter { $0.value != 0 }
        events = evaluator.events
        faultPoints = evaluator.faultPoints
    }

    /// Takes the value from memory callbacks for which the other execution had none to give.
    func withoutValuesMissing(in other: Execution) -> Execution {
        guard events.count == other.events.count else { return self }
        var copy = self
        for (n, event) in other.events.enumerated() {
            guard case .call(_, _, _, let access?, _, _) = event, access.value == nil,
                case .call(let function, let userdata, let regs, var mine?, let registers, let arena) = events[n]
            else { continue }
            mine.value = nil
            copy.events[n] = .call(
                function: function, userdata: userdata, regs: regs, memoryAccess: mine, registers: registers, arena: arena)
        }
        return copy
    }
}

extension PassPipeline.Flags: CustomStringConvertible {
    package var description: String {
        [(PassPipeline.Flags.forwarding, "forwarding"), (.deadState, "deadState")]
            .filter { contains($0.0) }.map(\.1).joined(separator: "+")
    }
}
