package import GuestMemory
package import GuestState

/// What the Linux personality needs from the engine that runs its vCPUs. Calls come from vCPU threads outside generated
/// code, with none of this module's locks held.
package protocol GuestEngine: AnyObject {
    /// Code in `range` was unmapped, replaced or lost its execute permission: discard what was made of it.
    func invalidateCode(_ range: Range<GuestAddress>)
    /// Around fork: `prepareFork` quiesces the engine's own threads; one of the two others follows in each process.
    func prepareFork()
    func afterForkInParent()
    func afterForkInChild()
    /// Ends the engine's own threads, which start again when they are needed. The guest has one thread.
    func stopOwnThreads()
    /// The guest is about to have its first pages with PROT_BTI.
    func pagesBecomeGuarded()
    /// The guest shares memory with other processes from now on.
    func memoryBecomesShared()
    /// The guest is about to have a handler for SIGSEGV or SIGBUS, which sees registers and may change them.
    func faultsBecomeVisible()
    /// The calling thread is about to replace the process by another program, if the host lets it.
    func programEnds()
    /// Starts a vCPU on a new host thread, as `clone(CLONE_VM | CLONE_THREAD)` asks. `registers` holds the new thread's
    /// guest state, which is copied before this returns. The new host thread calls `thread.attach` before anything else
    /// and `thread.detach` at its end; this returns after `attach`. All signals are blocked for both threads meanwhile.
    /// - Returns: false when the engine cannot.
    func startThread(_ thread: LinuxThread, registers: GuestRegisters) -> Bool
    /// Asked for with `LinuxProcess.isObserved`: on the calling thread's vCPU a system call has ended, before signals are
    /// delivered. Not for calls that end the thread, the process or its program.
    func systemCallEnded(_ call: EndedSystemCall, _ registers: GuestRegisters)
    /// Asked for with `LinuxProcess.isObserved`: the calling thread's vCPU is about to enter a signal handler, at
    /// `registers.pc`. `from`: the instruction that would have run next, or that raised the signal.
    func signalDelivered(from: GuestAddress, isRaisedByGuest: Bool, _ registers: GuestRegisters)
}

/// A system call as observers are told of it.
package struct EndedSystemCall: Sendable {
    /// X8.
    package let number: Int64
    /// What X0 holds now, or one of the two values below.
    package let result: Int64
    /// Address of the SVC.
    package let pc: GuestAddress

    /// The call is made again, because a signal came first: the values with which QEMU tells plugins so.
    package static let restarts: Int64 = -512
    /// rt_sigreturn, which has set all registers.
    package static let setsRegisters: Int64 = -513

    package init(number: Int64, result: Int64, pc: GuestAddress) {
        self.number = number
        self.result = result
        self.pc = pc
    }
}

extension GuestEngine {
    package func stopOwnThreads() {}
    package func programEnds() {}
    package func memoryBecomesShared() {}
    package func faultsBecomeVisible() {}
    package func pagesBecomeGuarded() {}
    package func systemCallEnded(_ call: EndedSystemCall, _ registers: GuestRegisters) {}
    package func signalDelivered(from: GuestAddress, isRaisedByGuest: Bool, _ registers: GuestRegisters) {}
    package func startThread(_ thread: LinuxThread, registers: GuestRegisters) -> Bool { false }
}
