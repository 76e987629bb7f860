internal import CHost
internal import CPluginAPI
internal import CPluginCalls
// Glibc's `stdout` is a C variable that Swift takes for shared mutable state; nobody assigns it.
@preconcurrency internal import Glibc

/// System-call arguments as plugins see them.
package typealias PluginSyscallArguments = (UInt64, UInt64, UInt64, UInt64, UInt64, UInt64)

/// What plugins decide about a system call that is about to be made.
package enum PluginSyscallDecision: Equatable, Sendable {
    case proceed
    /// Do not make the call: this is its result.
    case answered(UInt64)
    /// Do not make the call: a plugin has moved the guest's PC.
    case redirected
}

/// Why guest execution goes on elsewhere without a branch.
package enum PluginDiscontinuity: Sendable {
    /// A signal that came from outside: its handler is entered.
    case interrupt
    /// A signal that the guest's own instruction caused: its handler is entered.
    case exception
    /// A system call.
    case hostCall

    var event: PluginEvent {
        switch self {
        case .interrupt: .disconInterrupt
        case .exception: .disconException
        case .hostCall: .disconHostcall
        }
    }
    var type: Int32 {
        switch self {
        case .interrupt: QEMU_PLUGIN_DISCON_INTERRUPT.rawValue
        case .exception: QEMU_PLUGIN_DISCON_EXCEPTION.rawValue
        case .hostCall: QEMU_PLUGIN_DISCON_HOSTCALL.rawValue
        }
    }
}

extension PluginHost {
    /// A vCPU is about to run its first guest instruction: on its thread, after the program was loaded.
    package func vcpuInit(_ index: Int) {
        noteVCPU(index)
        dispatch(.vcpuInit) { nt_plugin_call_vcpu(&$0, UInt32(index)) }
    }

    /// A guest thread ends, or ends the process: on its thread.
    package func vcpuExit(_ index: Int) {
        dispatch(.vcpuExit, maySetPC: false) { nt_plugin_call_vcpu(&$0, UInt32(index)) }
        forgetVCPU(index)
    }

    /// A guest system call is about to be made (check `wantsSyscalls` first). `number` is X8, arguments X0...X5.
    ///
    /// Syscall callbacks come first, then filters until one answers.
    package func syscall(_ index: Int, number: Int64, _ a: PluginSyscallArguments) -> PluginSyscallDecision {
        var a = a
        return withUnsafePointer(to: &a) { pointer in
            pointer.withMemoryRebound(to: UInt64.self, capacity: 6) { arguments in
                var hasMoved = dispatch(.syscall) { nt_plugin_call_syscall(&$0, UInt32(index), number, arguments) }
                var answer: UInt64?
                let filterHasMoved = dispatch(.syscallFilter) {
                    if answer != nil || hasMoved { return }
                    var result: UInt64 = 0
                    if nt_plugin_call_filter(&$0, UInt32(index), number, arguments, &result) { answer = result }
                }
                hasMoved = hasMoved || filterHasMoved
                return hasMoved ? .redirected : answer.map { .answered($0) } ?? .proceed
            }
        }
    }

    /// A guest system call returned `result` (negative errno, or one of QEMU's private values); not for calls that do not return.
    package func syscallReturn(_ index: Int, number: Int64, result: Int64) {
        dispatch(.syscallReturn) { nt_plugin_call_return(&$0, UInt32(index), number, result) }
    }

    /// Guest execution goes on at `to`, and the registers are those of there. On the vCPU's thread.
    package func discontinuity(_ index: Int, _ kind: PluginDiscontinuity, from: UInt64, to: UInt64) {
        dispatch(kind.event) { nt_plugin_call_discon(&$0, UInt32(index), kind.type, from, to) }
    }

    /// All TBs are about to be dropped, all vCPUs are stopped.
    package func flush() {
        dispatch(.flush, QEMU_PLUGIN_CB_NO_REGS, maySetPC: false) { nt_plugin_call_simple(&$0) }
    }

    /// Gives back what was freed of scoreboards. All TBs were dropped.
    package func reclaim() { scoreboards.reclaim() }

    /// Removes the subscriptions of plugins that asked for an uninstall or reset. All vCPUs are stopped; drop all TBs after
    /// this, so that none is left of those that were made before, and then call `finish`.
    package func beginSafeWork() -> PluginSafeWork {
        let work = takeSafeWork()
        for item in work { endCallbacks(of: item.plugin, for: item.kind) }
        return PluginSafeWork(items: work)
    }

    /// The rest of uninstalls and resets, with all TBs dropped and all vCPUs still stopped.
    package func finish(_ work: PluginSafeWork) {
        for item in work.items {
            // The completion function is the library's: it runs before the library is closed.
            if let completion = item.completion {
                call(item.plugin, completion, item.userdata) { nt_plugin_call_simple(&$0) }
            }
            if item.kind == .uninstall {
                remove(item.plugin)
                close(item.plugin)
            }
        }
    }

    /// Queues an uninstall or reset; with no vCPU there is nothing to stop, so it is done at once.
    func request(
        _ kind: LoadedPlugin.Pending, _ id: UInt64, _ completion: UnsafeRawPointer?, _ userdata: UnsafeMutableRawPointer?
    ) {
        if kind == .uninstall, installing == id {
            pluginDiagnostic("a plugin called qemu_plugin_uninstall from its install function")
            abort()
        }
        guard let plugin = plugin(id) else { return }
        guard enqueue(SafeWork(plugin: plugin, kind: kind, completion: completion, userdata: userdata)) else { return }
        if vcpus.isEmpty { finish(beginSafeWork()) } else { services.requestSafePoint() }
    }

    /// The emulator leaves: no more callbacks but atexit, which runs here, on the thread that ends the process, while the other
    /// vCPUs stand still; then stdout is flushed, which a raw exit would not do. Later calls do nothing.
    package func atExit() {
        guard beginExit() else { return }
        services.stopForExit()
        dispatch(.atExit, QEMU_PLUGIN_CB_NO_REGS, maySetPC: false) { nt_plugin_call_data(&$0) }
        flushStandardOutput()
    }
}

/// Uninstalls and resets between their two halves.
package struct PluginSafeWork {
    let items: [PluginHost.SafeWork]
}

/// Writes out what plugins printed through stdio, unless another thread is inside stdout: waiting for it could hang the exit.
func flushStandardOutput() {
    guard ftrylockfile(stdout) == 0 else { return }
    fflush(stdout)
    funlockfile(stdout)
}
