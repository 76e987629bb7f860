internal import CHost
internal import Glibc
package import GuestMemory
package import GuestState
package import Support

/// The guest process: its memory, signal actions and identity; what its threads share.
///
/// Use: make one, `start` the registers of the first vCPU, run it, and after each exit
/// of generated code ask `mainThread` what to do (`handleException`, `handleFault`, `deliverPendingSignals`).
///
/// Lock order: none of the locks here is held while another is taken or while the engine is called, but for fork (which
/// takes all) and the address space's layout lock, which is taken before any other.
package final class LinuxProcess: @unchecked Sendable {
    // @unchecked: immutable after init, apart from members that lock for themselves and those under `lock`.
    package let configuration: LinuxConfiguration
    package let addressSpace: AddressSpace
    package let log: Log
    package let program: LoadedProgram
    package let symbols: ModuleSymbols
    package private(set) var mainThread: LinuxThread!
    /// Set by the lead before the first vCPU runs; the engine owns itself.
    package weak var engine: (any GuestEngine)?
    /// Whether the engine is to be told of what `GuestEngine` says "asked for". Set before the first vCPU runs.
    package var isObserved = false

    let signals = SignalActions()
    /// Address of `mov x8, #139; svc #0`, where handlers return to.
    let signalTrampoline: GuestAddress
    let stack: Range<GuestAddress>
    let auxiliaryVector: Range<GuestAddress>
    let argumentStrings: Range<GuestAddress>
    let environmentStrings: Range<GuestAddress>
    /// The program's absolute path without symbolic links, for `/proc/self/exe`.
    let executablePath: [UInt8]
    let initialStackPointer: GuestAddress

    let memoryLimits = MemoryLimits()
    /// Guarded by the address space's layout lock.
    var programBreak: ProgramBreak
    let lock = Lock()
    /// Guest threads that have not called exit. Guarded by `lock`.
    var liveThreads = 1
    /// Sizes of attached System V segments by address. Guarded by `lock`.
    var sharedSegments: [GuestAddress: UInt64] = [:]
    /// System calls already reported as not emulated. Guarded by `lock`.
    private var reportedCalls: Set<UInt32> = []

    struct ProgramBreak {
        let start: GuestAddress
        var current: GuestAddress
    }

    /// Loads the program and builds its stack. One per host process: it takes over the host's signal dispositions.
    package init(configuration: LinuxConfiguration, log: Log) throws(LoadError) {
        let name = configuration.processName ?? configuration.program
        let configuration = try configuration.resolved()
        self.configuration = configuration
        self.log = log
        addressSpace = AddressSpace()
        let loader = ProgramLoader(
            addressSpace: addressSpace, sysroot: configuration.sysroot, hasBranchTargets: configuration.hasBranchTargets)
        program = try loader.load(configuration.program, descriptor: configuration.programDescriptor)
        symbols = ModuleSymbols(
            program: SymbolTable(path: configuration.program, bias: program.bias), code: program.code)
        executablePath = Self.absolutePath(configuration)
        if configuration.programDescriptor >= 0 { close(configuration.programDescriptor) }
        Self.takeName(lastComponent(name))
        programBreak = ProgramBreak(start: program.initialBreak, current: program.initialBreak)
        do throws(LinuxErrno) {
            stack = try Self.mapStack(
                size: configuration.stackSize, executable: program.wantsExecutableStack, addressSpace)
            signalTrampoline = try Self.mapTrampoline(addressSpace)
            if let seed = configuration.randomSeed { nt_seed_random(seed) }
            let random = [nt_random_number(), nt_random_number()].withUnsafeBytes { Array($0) }
            let layout = try InitialStack(
                below: stack.upperBound, bottom: stack.lowerBound, configuration: configuration, program: program,
                random: random)
            initialStackPointer = layout.stackPointer
            auxiliaryVector = layout.auxiliaryVector
            argumentStrings = layout.arguments
            environmentStrings = layout.environment
        } catch {
            throw .memory(configuration.program, "its stack", error)
        }
        signals.install()
        mainThread = LinuxThread(
            process: self, tid: Int32(truncatingIfNeeded: nt_linux_syscall(CallNumber.gettid, 0, 0, 0, 0, 0, 0)))
    }

    /// Sets the registers of a program start: PC, SP, everything else zero. The caller has zeroed the CPU struct.
    package func start(_ registers: GuestRegisters) {
        registers.pc = program.start
        registers.sp = initialStackPointer
        PointerAuthenticationKeys.randomise(0x1f, registers.cpu)
    }

    /// Ends the process by the guest's fatal signal, as its parent must see it. Run exit callbacks before.
    package func die(bySignal signal: Int32) -> Never {
        if Signal.defaultAction(Int(signal)) == .core {
            // Those three end by a core dump, too, but QEMU says nothing of them.
            if ![SIGXCPU, SIGXFSZ, SIGSYS].contains(signal) {
                let text = String(cString: strsignal(signal))
                log.put(
                    "\(configuration.emulatorName): uncaught target signal \(signal) (\(text)) - core dumped\n")
            }
            // The core would be the emulator's, not the guest's.
            var none = rlimit(rlim_cur: 0, rlim_max: 0)
            getrlimit(__rlimit_resource_t(4), &none)
            none.rlim_cur = 0
            setrlimit(__rlimit_resource_t(4), &none)
        }
        nt_linux_die(signal)
        _exit(128 + signal)
    }

    /// Reports a call that is not emulated, once per number.
    func reportUnimplemented(_ number: UInt32, _ text: @autoclosure () -> String) {
        guard log.isOn(.unimp) else { return }
        let isNew = lock.withLock { reportedCalls.insert(number).inserted }
        if isNew { log.put(text()) }
    }

    /// Some page has PROT_BTI.
    package var hasGuardedPages: Bool {
        addressSpace.withMap { map in map.areas.contains { $0.protection.contains(.guarded) } }
    }

    /// Makes the record of mappings that of a fork child, which does not inherit all.
    package func dropUninheritedMemory() {
        let areas = addressSpace.withMap { $0.areas }
        for area in areas where area.inheritance != .copied {
            if area.protection.contains(.execute) { engine?.invalidateCode(area.range) }
            if area.inheritance == .absent { addressSpace.withMap { $0.remove(area.range) } }
        }
    }

    /// Holds what a fork child inherits still. The layout lock is held before.
    func lockForFork() {
        lock.lock()
        memoryLimits.lockForFork()
        addressSpace.lockForFork()
        signals.lockForFork()
        OwnDescriptors.shared.lockForFork()
        nt_signals_lock_for_fork()
    }
    func unlockAfterFork() {
        nt_signals_unlock_after_fork()
        OwnDescriptors.shared.unlockAfterFork()
        signals.unlockAfterFork()
        addressSpace.unlockAfterFork()
        memoryLimits.unlockAfterFork()
        lock.unlock()
    }

    private static let leastUsualStackSize: UInt64 = 8 << 20
    /// RLIMIT_STACK when it is more than the usual 8 MiB; 1 GiB, of which only touched pages cost, when there is no limit.
    private static var usualStackSize: UInt64 {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(UInt32(MemoryLimits.stack)), &limit) == 0 else { return leastUsualStackSize }
        let soft = UInt64(limit.rlim_cur)
        return soft == .max ? 1 << 30 : max(soft, leastUsualStackSize)
    }

    private static func mapStack(
        size wanted: UInt64?, executable: Bool, _ addressSpace: AddressSpace
    ) throws(LinuxErrno) -> Range<GuestAddress> {
        let flags = UInt64(MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE)
        let guardSize = guestPageSize
        func map(_ size: UInt64) throws(LinuxErrno) -> UInt64 {
            try hostCall(CallNumber.mmap, 0, size &+ guardSize, UInt64(PROT_READ | PROT_WRITE), flags, .max)
        }
        var size = max(min(wanted ?? Self.usualStackSize, 1 << 46), 128 << 10).pageRoundedUp
        let start: UInt64
        do throws(LinuxErrno) {
            start = try map(size)
        } catch {
            // Less than ulimit -s says is better than no start.
            guard wanted == nil, size > Self.leastUsualStackSize else { throw error }
            size = Self.leastUsualStackSize
            start = try map(size)
        }
        try hostCall(CallNumber.mprotect, start, guardSize, UInt64(PROT_NONE))
        let range = start + guardSize..<start + guardSize + size
        // The guard is no area of the guest's: beyond its limit a stack ends in nothing (SEGV_MAPERR).
        addressSpace.withMap { map in
            map.insert(
                VMA(range: range, protection: executable ? [.read, .write, .execute] : [.read, .write], label: .stack))
        }
        return range
    }

    private static func mapTrampoline(_ addressSpace: AddressSpace) throws(LinuxErrno) -> GuestAddress {
        let page = try hostCall(
            CallNumber.mmap, 0, guestPageSize, UInt64(PROT_READ | PROT_WRITE), UInt64(MAP_PRIVATE | MAP_ANONYMOUS), .max
        )
        try UserMemory.write(UInt32(0xd280_1168), to: page)  // mov x8, #139 (rt_sigreturn)
        try UserMemory.write(UInt32(0xd400_0001), to: page + 4)  // svc #0
        try hostCall(CallNumber.mprotect, page, guestPageSize, UInt64(PROT_READ))
        addressSpace.withMap {
            $0.insert(VMA(range: page..<page + guestPageSize, protection: [.read, .execute]))
        }
        return page
    }

    /// A program without a path is called what the kernel calls its descriptor.
    private static func absolutePath(_ configuration: LinuxConfiguration) -> [UInt8] {
        let path = configuration.program
        let text = path.map { CChar(bitPattern: $0) } + [0]
        if configuration.programDescriptor < 0 || access(text, F_OK) == 0, let resolved = realpath(text, nil) {
            defer { free(resolved) }
            return Array(UnsafeRawBufferPointer(start: resolved, count: strlen(resolved)))
        }
        guard configuration.programDescriptor >= 0 else { return path }
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = readlink("/proc/self/fd/\(configuration.programDescriptor)", &buffer, buffer.count)
        return count > 0 ? buffer[..<count].map { UInt8(bitPattern: $0) } : path
    }

    /// `ps` and `/proc/self/comm` show the guest's program, as after an execve of it.
    private static func takeName(_ name: some Collection<UInt8>) {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 16) { buffer in
            buffer.initialize(repeating: 0)
            for (index, byte) in name.prefix(15).enumerated() { buffer[index] = byte }
            _ = nt_linux_syscall(CallNumber.prctl, 15, address(buffer.baseAddress), 0, 0, 0, 0)  // PR_SET_NAME
        }
    }
}
