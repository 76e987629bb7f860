package import A64ISA

/// What plugins may ask about the guest program.
package struct PluginProgramInfo: Sendable {
    package let path: String
    /// Lowest and highest address of the executable segments, load bias included.
    package let startCode: UInt64
    package let endCode: UInt64
    /// The program's own entry point, not its interpreter's.
    package let entry: UInt64

    package init(path: String, startCode: UInt64, endCode: UInt64, entry: UInt64) {
        self.path = path
        self.startCode = startCode
        self.endCode = endCode
        self.entry = entry
    }
}

/// The CPU that the guest runs on.
package struct PluginCPU: Sendable {
    package let features: A64FeatureSet
    /// What EL0 reads, by the key of the register.
    package let idRegisters: [UInt16: UInt64]

    package init(features: A64FeatureSet, idRegisters: [UInt16: UInt64]) {
        self.features = features
        self.idRegisters = idRegisters
    }
}

/// What the plugin host needs from the emulator around it. Called from plugin callbacks on any thread. The vCPU of a thread is
/// `nt_thread_cpu()`.
package protocol PluginHostServices: AnyObject, Sendable {
    var cpu: PluginCPU { get }

    /// `mnemonic operands`, with one space between.
    func disassemble(_ word: UInt32, at pc: UInt64) -> String

    /// The symbol that covers `pc` in an ELF file that is mapped there.
    func symbol(at pc: UInt64) -> String?

    /// Host address of guest code, nil when it is not in plain memory.
    func hostAddress(ofCode pc: UInt64) -> UnsafeMutableRawPointer?

    /// The guest program; nil before it is loaded.
    var program: PluginProgramInfo? { get }

    /// Reads all of `buffer` from guest memory, whatever the pages' protection.
    /// - Returns: False when some byte is not mapped; the buffer's contents are then undefined.
    func readMemory(at address: UInt64, into buffer: UnsafeMutableRawBufferPointer) -> Bool

    /// Writes all of `bytes` to guest memory, whatever the pages' protection, and drops translations of what changed.
    /// - Returns: False when some byte is not mapped; others may have been written.
    func writeMemory(at address: UInt64, from bytes: UnsafeRawBufferPointer) -> Bool

    /// Text for the log item `plugin`; drops it when the item is off. One call is one write.
    func pluginOutput(_ text: UnsafeBufferPointer<UInt8>)

    /// Brings all vCPUs to a safe point soon and there calls `PluginHost.flush()` and `beginSafeWork()`, drops all TBs, and calls
    /// `reclaim()` and `finish`. Does not wait. Any thread.
    func requestSafePoint()

    /// Puts the guest's time under a plugin's control.
    /// - Returns: False when it is already, or cannot be.
    func requestTimeControl() -> Bool

    /// Sets the guest's time, in nanoseconds since the start in which some vCPU could run; an earlier time is ignored. Only
    /// under time control. Any thread.
    func updateTime(_ nanoseconds: Int64)

    /// Makes the vCPUs of other threads stand still for good, if they can in reasonable time: the process ends.
    func stopForExit()
}
