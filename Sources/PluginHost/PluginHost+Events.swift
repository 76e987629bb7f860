internal import CPluginAPI
// Glibc's `stdout` is a C variable that Swift takes for shared mutable state; nobody assigns it.
@preconcurrency internal import Glibc

/// System-call arguments as plugins see them.
package typealias PluginSyscallArguments = (UInt64, UInt64, UInt64, UInt64, UInt64, UInt64)

// SAFETY of every unsafeBitCast here: the pointer was registered through the exported function whose callback parameter
// has exactly that type.
extension PluginHost {
    /// A vCPU is about to run its first guest instruction: on its thread, after the program was loaded.
    package func vcpuInit(_ index: Int) {
        noteVCPU(index)
        dispatch(.vcpuInit) { id, function, _ in
            unsafeBitCast(function, to: qemu_plugin_vcpu_simple_cb_t.self)(id, UInt32(index))
        }
    }

    /// A guest thread ends, and is not the last: on its thread.
    package func vcpuExit(_ index: Int) {
        dispatch(.vcpuExit) { id, function, _ in
            unsafeBitCast(function, to: qemu_plugin_vcpu_simple_cb_t.self)(id, UInt32(index))
        }
        forgetVCPU(index)
    }

    /// A guest system call is about to be made (check `wantsSyscalls` first). `number` is X8, arguments X0...X5.
    /// - Returns: The result when a plugin answers in the host's place: then do not make the call.
    package func syscall(_ index: Int, number: Int64, _ a: PluginSyscallArguments) -> UInt64? {
        dispatch(.syscall) { id, function, _ in
            unsafeBitCast(function, to: qemu_plugin_vcpu_syscall_cb_t.self)(
                id, UInt32(index), number, a.0, a.1, a.2, a.3, a.4, a.5, 0, 0)
        }
        var answer: UInt64?
        dispatch(.syscallFilter) { id, function, _ in
            if answer != nil { return }
            var result: UInt64 = 0
            let filter = unsafeBitCast(function, to: qemu_plugin_vcpu_syscall_filter_cb_t.self)
            if filter(id, UInt32(index), number, a.0, a.1, a.2, a.3, a.4, a.5, 0, 0, &result) { answer = result }
        }
        return answer
    }

    /// A guest system call returned `result` (negative errno); not for calls that do not return.
    package func syscallReturn(_ index: Int, number: Int64, result: Int64) {
        dispatch(.syscallReturn) { id, function, _ in
            unsafeBitCast(function, to: qemu_plugin_vcpu_syscall_ret_cb_t.self)(id, UInt32(index), number, result)
        }
    }

    /// All TBs were dropped, all vCPUs are stopped.
    package func flush() {
        dispatch(.flush, QEMU_PLUGIN_CB_NO_REGS) { id, function, _ in
            unsafeBitCast(function, to: qemu_plugin_simple_cb_t.self)(id)
        }
        scoreboards.reclaim()
    }

    /// Does the uninstalls and resets that plugins asked for. At a safe point, after all TBs were dropped and `flush()`.
    package func runSafeWork() {
        for work in takeSafeWork() { perform(work) }
    }

    private func perform(_ work: SafeWork) {
        endCallbacks(of: work.plugin, for: work.kind)
        switch work.kind {
        case .none: break
        case .reset: work.completion?(work.plugin.id)
        case .uninstall:
            // The completion function is the library's: it runs before the library is closed.
            work.completion?(work.plugin.id)
            remove(work.plugin)
            dlclose(work.plugin.library)
        }
    }

    /// Queues an uninstall or reset; with no vCPU there is nothing to stop, so it is done at once.
    func request(_ kind: LoadedPlugin.Pending, _ id: UInt64, _ completion: qemu_plugin_simple_cb_t?) {
        if kind == .uninstall, installing == id {
            pluginDiagnostic("a plugin called qemu_plugin_uninstall from its install function")
            abort()
        }
        guard let plugin = plugin(id) else { return }
        guard enqueue(SafeWork(plugin: plugin, kind: kind, completion: completion)) else { return }
        if vcpus.isEmpty { runSafeWork() } else { services.requestSafePoint() }
    }

    /// The emulator leaves: no more callbacks but atexit, which runs here, on the thread that ends the process; then stdout is
    /// flushed, which a raw exit would not do. Later calls do nothing.
    package func atExit() {
        guard beginExit() else { return }
        dispatch(.atExit, QEMU_PLUGIN_CB_NO_REGS) { id, function, userdata in
            unsafeBitCast(function, to: qemu_plugin_udata_cb_t.self)(id, userdata)
        }
        flushStandardOutput()
    }
}

/// Writes out what plugins printed through stdio, unless another thread is inside stdout: waiting for it could hang the exit.
func flushStandardOutput() {
    guard ftrylockfile(stdout) == 0 else { return }
    fflush(stdout)
    funlockfile(stdout)
}
