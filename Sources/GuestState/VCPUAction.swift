/// What a vCPU's run loop does after its environment has handled an event.
package enum VCPUAction: Equatable, Sendable {
    /// Continue at the guest PC in the registers.
    case resume
    /// Only this guest thread ends.
    case exitThread
    /// The guest process ends with this status (already cut to 8 bits).
    case exit(status: Int32)
    /// The guest process ends as if by this host signal, after exit callbacks have run.
    case killed(signal: Int32)
}
