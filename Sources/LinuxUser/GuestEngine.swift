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
    /// Starts a vCPU on a new host thread, as `clone(CLONE_VM | CLONE_THREAD)` asks. `registers` holds the new thread's
    /// guest state, which is copied before this returns. The new host thread calls `thread.attach` before anything else
    /// and `thread.detach` at its end; this returns after `attach`. All signals are blocked for both threads meanwhile.
    /// - Returns: false when the engine cannot.
    func startThread(_ thread: LinuxThread, registers: GuestRegisters) -> Bool
}

extension GuestEngine {
    package func stopOwnThreads() {}
    package func memoryBecomesShared() {}
    package func pagesBecomeGuarded() {}
    package func startThread(_ thread: LinuxThread, registers: GuestRegisters) -> Bool { false }
}
