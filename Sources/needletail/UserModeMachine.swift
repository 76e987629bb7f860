import CHost
import Engine
import Glibc
import GuestMemory
import GuestState
import LLVMBackend
import LinuxUser
import PluginHost
import Support

/// Joins the engine, the Linux process and the plugins: each sees the others only through the protocols that this class
/// implements.
final class UserModeMachine: @unchecked Sendable {
    // @unchecked: `process`, `engine`, `plugins` are set during start-up, before other threads exist; the thread list is guarded by
    // `lock`.
    let log: Log
    private(set) var process: LinuxProcess!
    private(set) var engine: Engine!
    let arena: VCPUArena
    private(set) var plugins: PluginHost?
    private let lock = Lock()
    /// vCPU indices in use. Guarded by `lock`.
    private var usedIndices: Set<Int> = []
    /// Instructions of vCPUs that ended, for --stats. Guarded by `lock`.
    private var endedCounts = VCPUCounts()
    /// Some thread has begun to end the process. Guarded by `lock`.
    private var isEnding = false
    private let startTime: UInt64
    private let printsStatistics: Bool
    let cpu: PluginCPU

    init(log: Log, arena: VCPUArena, cpu: PluginCPU, printsStatistics: Bool) {
        self.log = log
        self.cpu = cpu
        self.arena = arena
        self.printsStatistics = printsStatistics
        startTime = monotonicNanoseconds()
    }

    /// Loads plugins. Before the program is loaded, as in QEMU.
    func load(_ options: PluginOptions) throws(PluginError) {
        if options.requests.isEmpty { return }
        let host = PluginHost(arena: arena, services: self)
        plugins = host
        try host.load(options)
    }

    func load(_ linux: LinuxConfiguration) throws(LoadError) {
        let process = try LinuxProcess(configuration: linux, log: log)
        process.engine = self
        process.isObserved = plugins != nil
        self.process = process
    }

    /// Runs the loaded program to its end and leaves the process as the guest did.
    func run(_ configuration: EngineConfiguration) -> Never {
        var configuration = configuration
        configuration.translation.tracksBranchTypes = process.hasGuardedPages
        engine = Engine(configuration: configuration, environment: self, arena: arena, plugins: plugins, log: log)
        let error = nt_install_fault_handlers()
        precondition(error == 0, "sigaction: errno \(error)")
        nt_thread_alt_stack_install()
        guard let index = takeIndex(), let vcpu = engine.makeVCPU(index: index) else {
            fail("not enough memory for a vCPU")
        }
        process.start(vcpu.registers)
        vcpu.environmentData = process.mainThread
        process.mainThread.attach(vcpu.cpu)
        runThread(vcpu, process.mainThread)
        // The main thread ended by `exit` while others live on: they end the process. Until then its host thread is a
        // zombie, as the guest and its parent expect.
        nt_linux_exit_thread()
    }

    /// Runs one guest thread; returns when only that thread ended.
    private func runThread(_ vcpu: VCPU, _ thread: LinuxThread) {
        nt_thread_set_cpu(vcpu.cpu)
        plugins?.vcpuInit(vcpu.index)
        let end = vcpu.run()
        // The last callbacks are in the vCPU's context like others.
        nt_thread_set_cpu(vcpu.cpu)
        switch end {
        case .resume: preconditionFailure("the run loop returned without a reason")
        case .exitThread:
            plugins?.vcpuExit(vcpu.index)
            nt_thread_set_cpu(nil)
            engine.removeVCPU(vcpu)
            let counts = VCPUCounts(vcpu.cpu.pointee)
            // Before the index is free, and for signals, which name the CPU struct.
            thread.detach()
            arena.release(vcpu.index)
            lock.withLock {
                endedCounts.add(counts)
                usedIndices.remove(vcpu.index)
            }
        case .exit(let status):
            atProcessEnd(vcpu)
            _exit(status)
        case .killed(let signal):
            atProcessEnd(vcpu)
            process.die(bySignal: signal)
        }
    }

    /// Of several threads that end the process at once the first does it; the others wait to be ended with it.
    private func atProcessEnd(_ vcpu: VCPU) {
        let isFirst = lock.withLock {
            defer { isEnding = true }
            return !isEnding
        }
        while !isFirst { pause() }
        if let plugins {
            // Of the vCPUs that the end takes by surprise plugins hear no more.
            plugins.vcpuExit(vcpu.index)
            plugins.atExit()
        }
        engine.keepCode()
        if printsStatistics { printStatistics(vcpu.engine.statistics) }
        fflush(nil)
    }

    private func printStatistics(_ engine: EngineStatistics) {
        let counts = lock.withLock {
            usedIndices.reduce(into: endedCounts) { $0.add(VCPUCounts(arena.cpu($1).pointee)) }
        }
        let count = counts.instructions
        let seconds = Double(monotonicNanoseconds() - startTime) / 1e9
        let rate = Double(count) / seconds / 1e6
        log.put("needletail: \(count) guest instructions in \(milli(seconds)) s, \(milli(rate)) million per second\n")
        let times = engine.stageTimes
        func milliseconds(_ nanoseconds: UInt64) -> String { milli(Double(nanoseconds) / 1e6) }
        log.put(
            """
            needletail: TBs \(engine.blocks), compiled \(engine.compiledBlocks), left to LLVM \(engine.baselineFailures); regions \(engine.regions) of \(engine.regionBlocks) TBs; \
            code \(engine.codeBytes) bytes, of regions \(engine.regionCodeBytes)
            needletail: TBs made \(engine.madeBlocks), removed for others \(engine.evictedBlocks) in \(engine.evictions) goes
            needletail: compiler, ms of processor time: lowering \(milliseconds(times.lowering)), passes \(milliseconds(times.passes)), \
            code generation \(milliseconds(times.codeGeneration)), linking \(milliseconds(times.linking)); threads \(engine.compileThreads)
            needletail: code cache: files \(engine.keptFiles), TBs taken \(engine.keptBlocks), TBs written \(engine.writtenBlocks)
            needletail: exits of generated code: \(counts.exitText)

            """)
    }

    /// The lowest index that is free, so that no more arenas are ever touched than threads lived at once.
    /// - Returns: nil when all are in use.
    private func takeIndex() -> Int? {
        lock.withLock {
            guard let index = (0..<arena.capacity).first(where: { !usedIndices.contains($0) }) else { return nil }
            usedIndices.insert(index)
            return index
        }
    }
    private func giveBack(_ index: Int) { lock.withLock { _ = usedIndices.remove(index) } }

    func fail(_ message: String, status: Int32 = 1) -> Never {
        log.put("needletail: \(message)\n")
        exit(status)
    }
}

/// Three decimals without Foundation.
private func milli(_ value: Double) -> String {
    let scaled = UInt64(max(0, value * 1000).rounded())
    let fraction = String(scaled % 1000)
    return "\(scaled / 1000)." + String(repeating: "0", count: 3 - fraction.count) + fraction
}

private func monotonicNanoseconds() -> UInt64 {
    var now = timespec()
    clock_gettime(CLOCK_MONOTONIC, &now)
    return UInt64(now.tv_sec) * 1_000_000_000 + UInt64(now.tv_nsec)
}

private func thread(of vcpu: VCPU) -> LinuxThread {
    guard let thread = vcpu.environmentData as? LinuxThread else {
        preconditionFailure("a vCPU without a guest thread")
    }
    return thread
}

// MARK: What the engine asks

extension UserModeMachine: GuestEnvironment {
    func fetch(_ pc: UInt64) -> UInt32? {
        guard process.addressSpace.canFetch(pc) else { return nil }
        var word: UInt32 = 0
        return nt_copy_fallible(&word, UnsafeRawPointer(bitPattern: UInt(pc)), 4) == 0 ? word : nil
    }

    func fetch(_ pc: UInt64, into words: UnsafeMutableBufferPointer<UInt32>) -> Int {
        guard let base = words.baseAddress, process.addressSpace.canFetch(pc) else { return 0 }
        let wanted = min(words.count, Int(4096 - (pc & 4095)) / 4)
        // SAFETY: `words` has room for what is wanted; the source may be anything.
        let missing = nt_copy_fallible(base, UnsafeRawPointer(bitPattern: UInt(pc)), wanted * 4)
        return wanted - (missing + 3) / 4
    }

    func isGuarded(_ pc: UInt64) -> Bool { process.addressSpace.isGuarded(pc) }

    func handle(_ kind: GuestExceptionKind, info: UInt64, on vcpu: VCPU) -> VCPUAction {
        if kind == .svc, let plugins, plugins.wantsSyscalls { return observedSystemCall(vcpu, plugins) }
        return action(
            thread(of: vcpu).handleException(vcpu.registers, nt_exception(UInt32(kind.rawValue)), info: info), vcpu)
    }

    /// A system call with the plugins' callbacks around it. A filter may answer it in the kernel's place.
    private func observedSystemCall(_ vcpu: VCPU, _ plugins: PluginHost) -> VCPUAction {
        let registers = vcpu.registers
        let pc = registers.pc
        let number = Int64(bitPattern: registers[x: 8])
        let arguments: PluginSyscallArguments = (
            registers[x: 0], registers[x: 1], registers[x: 2], registers[x: 3], registers[x: 4], registers[x: 5]
        )
        switch plugins.syscall(vcpu.index, number: number, arguments) {
        case .proceed: return action(thread(of: vcpu).handleException(registers, NT_EXCEPTION_SVC, info: 0), vcpu)
        case .redirected: return .resume
        case .answered(let answer):
            registers[x: 0] = answer
            systemCallEnded(EndedSystemCall(number: number, result: Int64(bitPattern: answer), pc: pc &- 4), registers)
            return .resume
        }
    }

    func handleFault(_ fault: HostFault, on vcpu: VCPU) -> VCPUAction {
        action(
            thread(of: vcpu).handleFault(
                vcpu.registers, address: fault.address, signal: fault.signal, code: fault.code), vcpu)
    }

    func deliverPending(on vcpu: VCPU) -> VCPUAction {
        action(thread(of: vcpu).deliverPendingSignals(vcpu.registers), vcpu)
    }

    /// Under `-d int` and `-d cpu` the registers at the guest's crash are worth more than the signal's name.
    private func action(_ action: VCPUAction, _ vcpu: VCPU) -> VCPUAction {
        if case .killed(let signal) = action, !log.items.isDisjoint(with: [.int, .cpu, .exec]) {
            log.put("guest killed by signal \(signal) at \(hex(vcpu.registers.pc))\n" + vcpu.registers.dump())
        }
        return action
    }

    func image(at pc: UInt64) -> (number: Int, image: GuestImage)? { process.addressSpace.image(at: pc) }

    func symbol(at pc: UInt64) -> String? { process?.symbols.function(at: pc)?.name }
}

// MARK: What the Linux process asks

extension UserModeMachine: GuestEngine {
    func invalidateCode(_ range: Range<GuestAddress>) {
        process.symbols.forget(range)
        engine.invalidate([range])
    }
    func prepareFork() {
        process.addressSpace.layoutLock.lock()
        // The order of a translation, which calls plugins.
        engine.prepareFork()
        plugins?.prepareFork()
        lock.lock()
    }
    func afterForkInParent() {
        lock.unlock()
        plugins?.finishFork()
        engine.afterForkInParent()
        process.addressSpace.layoutLock.unlock()
    }
    func afterForkInChild() {
        guard let cpu = nt_thread_cpu() else { preconditionFailure("fork outside a vCPU thread") }
        let vcpu = Unmanaged<VCPU>.fromOpaque(cpu.pointee.owner).takeUnretainedValue()
        usedIndices = [vcpu.index]
        endedCounts = VCPUCounts()
        lock.unlock()
        plugins?.finishFork()
        engine.afterForkInChild(keeping: vcpu)
        process.dropUninheritedMemory()
        process.addressSpace.layoutLock.unlock()
    }

    func systemCallEnded(_ call: EndedSystemCall, _ registers: GuestRegisters) {
        let index = Int(registers.cpu.pointee.cpu_index)
        let to = registers.pc
        plugins?.syscallReturn(index, number: call.number, result: call.result)
        plugins?.discontinuity(index, .hostCall, from: call.pc, to: to)
    }

    func signalDelivered(from: GuestAddress, isRaisedByGuest: Bool, _ registers: GuestRegisters) {
        let index = Int(registers.cpu.pointee.cpu_index)
        plugins?.discontinuity(index, isRaisedByGuest ? .exception : .interrupt, from: from, to: registers.pc)
    }

    func stopOwnThreads() { engine.stopOwnThreads() }
    func programEnds() { engine.keepCode() }
    func memoryBecomesShared() { engine.becomeParallel() }
    func faultsBecomeVisible() { engine.becomePrecise() }
    func pagesBecomeGuarded() { engine.startTrackingBranchTypes() }

    func startThread(_ thread: LinuxThread, registers: GuestRegisters) -> Bool {
        engine.becomeParallel()
        let start = ThreadStart(machine: self, thread: thread, registers: registers)
        guard let index = takeIndex() else { return false }
        guard let vcpu = engine.makeVCPU(index: index) else {
            giveBack(index)
            return false
        }
        start.vcpu = vcpu
        // Registers only: what lies behind them in the struct belongs to the new vCPU.
        UnsafeMutableRawPointer(vcpu.cpu).copyMemory(from: registers.cpu, byteCount: Int(NT_CPU_EXIT_REQUEST))
        vcpu.environmentData = thread
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        pthread_attr_setstacksize(&attributes, 1 << 20)
        defer { pthread_attr_destroy(&attributes) }
        var id = pthread_t()
        let argument = Unmanaged.passRetained(start).toOpaque()
        let error = pthread_create(
            &id, &attributes,
            {
                Unmanaged<ThreadStart>.fromOpaque($0!).takeRetainedValue().run()
                return nil
            }, argument)
        if error != 0 {
            Unmanaged<ThreadStart>.fromOpaque(argument).release()
            engine.removeVCPU(vcpu)
            giveBack(index)
            return false
        }
        start.waitUntilAttached()
        return true
    }

    /// What a new host thread needs to become a guest thread.
    private final class ThreadStart: @unchecked Sendable {
        // @unchecked: written before the thread exists; `isAttached` is guarded by `lock`.
        let machine: UserModeMachine
        let thread: LinuxThread
        var vcpu: VCPU!
        private let lock = Lock()
        private let attached = ConditionVariable()
        private var isAttached = false

        init(machine: UserModeMachine, thread: LinuxThread, registers: GuestRegisters) {
            self.machine = machine
            self.thread = thread
        }

        func run() {
            nt_thread_alt_stack_install()
            thread.attach(vcpu.cpu)
            lock.withLock {
                isAttached = true
                attached.signal()
            }
            machine.runThread(vcpu, thread)
            nt_thread_alt_stack_remove()
        }

        func waitUntilAttached() {
            lock.lock()
            while !isAttached { attached.wait(lock) }
            lock.unlock()
        }
    }
}

// MARK: What plugins ask

extension UserModeMachine: PluginHostServices {
    func requestTimeControl() -> Bool { nt_virtual_time_start() }
    func updateTime(_ nanoseconds: Int64) { VirtualTime.shared.update(nanoseconds) }

    func disassemble(_ word: UInt32, at pc: UInt64) -> String { GuestDisassembler.shared.text(of: word, at: pc) }
    func hostAddress(ofCode pc: UInt64) -> UnsafeMutableRawPointer? { UnsafeMutableRawPointer(bitPattern: UInt(pc)) }

    var program: PluginProgramInfo? {
        guard let process else { return nil }
        let code = process.program.code
        return PluginProgramInfo(
            path: String(decoding: process.configuration.program, as: UTF8.self), startCode: code.lowerBound,
            endCode: code.upperBound, entry: process.program.entry)
    }

    func readMemory(at address: UInt64, into buffer: UnsafeMutableRawBufferPointer) -> Bool {
        let from = UnsafeRawPointer(bitPattern: UInt(address))
        if nt_copy_fallible(buffer.baseAddress, from, buffer.count) == 0 { return true }
        return isMapped(address, buffer.count) && nt_linux_read_protected(buffer.baseAddress, from, buffer.count)
    }

    func writeMemory(at address: UInt64, from bytes: UnsafeRawBufferPointer) -> Bool {
        guard isMapped(address, bytes.count) else { return false }
        let to = UnsafeMutableRawPointer(bitPattern: UInt(address))
        let isWritten =
            nt_copy_fallible(to, bytes.baseAddress, bytes.count) == 0
            || nt_linux_write_protected(to, bytes.baseAddress, bytes.count)
        let range = address..<address + UInt64(bytes.count)
        // Before the engine exists there is no code. Whose thread it is not may hold what a vCPU waits for: it does not wait.
        if let engine, process.addressSpace.withMap({ $0.hasExecutable(in: range) }) {
            if let cpu = nt_thread_cpu() {
                engine.codeWasWritten(range, on: Unmanaged<VCPU>.fromOpaque(cpu.pointee.owner).takeUnretainedValue())
            } else {
                engine.requestSafePoint()
            }
        }
        return isWritten
    }

    /// All of it is the guest's. (The rest of the address space is ours.)
    private func isMapped(_ address: UInt64, _ count: Int) -> Bool {
        let (end, overflows) = address.addingReportingOverflow(UInt64(count))
        guard let process, !overflows else { return false }
        return process.addressSpace.withMap { $0.covers(address..<end) }
    }

    func pluginOutput(_ text: UnsafeBufferPointer<UInt8>) {
        log.write(.plugin, String(decoding: text, as: UTF8.self))
    }

    func requestSafePoint() { engine?.requestSafePoint() }
    func stopForExit() { engine?.stopForExit() }
}
