// Life-cycle, event subscription, output and program queries: section 1.3 and 1.10 of the interface. Exported under their C
// names; the parameters are those of qemu-plugin.h. Before a host exists all of them do nothing.

internal import CHost
public import CPluginAPI
internal import Glibc

/// A C function pointer as the event table keeps it.
private func raw<F>(_ function: F?) -> UnsafeRawPointer? {
    // SAFETY: F is a @convention(c) function type; Optional of it is one pointer, null for nil.
    unsafeBitCast(function, to: UnsafeRawPointer?.self)
}

@c(qemu_plugin_uninstall)
public func pluginUninstall(_ id: qemu_plugin_id_t, _ completion: qemu_plugin_simple_cb_t?) {
    PluginHost.active?.request(.uninstall, id, completion)
}

@c(qemu_plugin_reset)
public func pluginReset(_ id: qemu_plugin_id_t, _ completion: qemu_plugin_simple_cb_t?) {
    PluginHost.active?.request(.reset, id, completion)
}

@c(qemu_plugin_register_vcpu_init_cb)
public func pluginRegisterVCPUInit(_ id: qemu_plugin_id_t, _ callback: qemu_plugin_vcpu_simple_cb_t?) {
    PluginHost.active?.subscribe(id, .vcpuInit, raw(callback))
}

@c(qemu_plugin_register_vcpu_exit_cb)
public func pluginRegisterVCPUExit(_ id: qemu_plugin_id_t, _ callback: qemu_plugin_vcpu_simple_cb_t?) {
    PluginHost.active?.subscribe(id, .vcpuExit, raw(callback))
}

@c(qemu_plugin_register_vcpu_idle_cb)
public func pluginRegisterVCPUIdle(_ id: qemu_plugin_id_t, _ callback: qemu_plugin_vcpu_simple_cb_t?) {
    PluginHost.active?.subscribe(id, .vcpuIdle, raw(callback))
}

@c(qemu_plugin_register_vcpu_resume_cb)
public func pluginRegisterVCPUResume(_ id: qemu_plugin_id_t, _ callback: qemu_plugin_vcpu_simple_cb_t?) {
    PluginHost.active?.subscribe(id, .vcpuResume, raw(callback))
}

/// Each bit of `type` is a slot of its own.
@c(qemu_plugin_register_vcpu_discon_cb)
public func pluginRegisterVCPUDiscon(
    _ id: qemu_plugin_id_t, _ type: qemu_plugin_discon_type, _ callback: qemu_plugin_vcpu_discon_cb_t?
) {
    let slots: [(qemu_plugin_discon_type, PluginEvent)] = [
        (QEMU_PLUGIN_DISCON_INTERRUPT, .disconInterrupt), (QEMU_PLUGIN_DISCON_EXCEPTION, .disconException),
        (QEMU_PLUGIN_DISCON_HOSTCALL, .disconHostcall),
    ]
    for (bit, event) in slots where type.rawValue & bit.rawValue != 0 {
        PluginHost.active?.subscribe(id, event, raw(callback))
    }
}

@c(qemu_plugin_register_vcpu_tb_trans_cb)
public func pluginRegisterTBTrans(_ id: qemu_plugin_id_t, _ callback: qemu_plugin_vcpu_tb_trans_cb_t?) {
    PluginHost.active?.subscribe(id, .tbTrans, raw(callback))
}

@c(qemu_plugin_register_vcpu_syscall_cb)
public func pluginRegisterSyscall(_ id: qemu_plugin_id_t, _ callback: qemu_plugin_vcpu_syscall_cb_t?) {
    PluginHost.active?.subscribe(id, .syscall, raw(callback))
}

@c(qemu_plugin_register_vcpu_syscall_ret_cb)
public func pluginRegisterSyscallReturn(_ id: qemu_plugin_id_t, _ callback: qemu_plugin_vcpu_syscall_ret_cb_t?) {
    PluginHost.active?.subscribe(id, .syscallReturn, raw(callback))
}

@c(qemu_plugin_register_vcpu_syscall_filter_cb)
public func pluginRegisterSyscallFilter(_ id: qemu_plugin_id_t, _ callback: qemu_plugin_vcpu_syscall_filter_cb_t?) {
    PluginHost.active?.subscribe(id, .syscallFilter, raw(callback))
}

@c(qemu_plugin_register_flush_cb)
public func pluginRegisterFlush(_ id: qemu_plugin_id_t, _ callback: qemu_plugin_simple_cb_t?) {
    PluginHost.active?.subscribe(id, .flush, raw(callback))
}

@c(qemu_plugin_register_atexit_cb)
public func pluginRegisterAtExit(
    _ id: qemu_plugin_id_t, _ callback: qemu_plugin_udata_cb_t?, _ userdata: UnsafeMutableRawPointer?
) {
    PluginHost.active?.subscribe(id, .atExit, raw(callback), userdata)
}

@c(qemu_plugin_vcpu_for_each)
public func pluginVCPUForEach(_ id: qemu_plugin_id_t, _ callback: qemu_plugin_vcpu_simple_cb_t?) {
    guard let callback, let host = PluginHost.active else { return }
    for index in host.vcpus { callback(id, UInt32(index)) }
}

@c(qemu_plugin_num_vcpus)
public func pluginNumVCPUs() -> CInt { CInt(PluginHost.active?.vcpuCount ?? 0) }

@c(qemu_plugin_outs)
public func pluginOuts(_ string: UnsafePointer<CChar>?) {
    guard let string, let host = PluginHost.active else { return }
    let count = strlen(string)
    string.withMemoryRebound(to: UInt8.self, capacity: count) {
        host.services.pluginOutput(UnsafeBufferPointer(start: $0, count: count))
    }
}

@c(qemu_plugin_bool_parse)
public func pluginBoolParse(
    _ name: UnsafePointer<CChar>?, _ value: UnsafePointer<CChar>?, _ result: UnsafeMutablePointer<Bool>?
) -> Bool {
    guard name != nil, let value, let result, let word = BoolWord(String(cString: value)) else { return false }
    switch word {
    case .yes: result.pointee = true
    case .no: result.pointee = false
    }
    return true
}

/// The plugin frees the copy.
@c(qemu_plugin_path_to_binary)
public func pluginPathToBinary() -> UnsafePointer<CChar>? {
    PluginHost.active?.services.program.map { UnsafePointer(strdup($0.path)) }
}

@c(qemu_plugin_start_code)
public func pluginStartCode() -> UInt64 { PluginHost.active?.services.program?.startCode ?? 0 }

@c(qemu_plugin_end_code)
public func pluginEndCode() -> UInt64 { PluginHost.active?.services.program?.endCode ?? 0 }

@c(qemu_plugin_entry_code)
public func pluginEntryCode() -> UInt64 { PluginHost.active?.services.program?.entry ?? 0 }

/// The first caller gets the handle. Before the guest runs, which is in install: time cannot change its source later.
@c(qemu_plugin_request_time_control)
public func pluginRequestTimeControl() -> UnsafeRawPointer? {
    guard let host = PluginHost.active, host.vcpuCount == 0, host.services.requestTimeControl() else { return nil }
    return timeControlHandle
}

@c(qemu_plugin_update_ns)
public func pluginUpdateNS(_ handle: UnsafeRawPointer?, _ time: Int64) {
    guard handle == timeControlHandle else { return }
    PluginHost.active?.services.updateTime(time)
}

/// Only compared; no plugin has something here.
private var timeControlHandle: UnsafeRawPointer? { UnsafeRawPointer(bitPattern: 0x10) }

@c(qemu_plugin_set_pc)
public func pluginSetPC(_ vaddr: UInt64) -> Never {
    guard let host = PluginHost.active, nt_thread_cpu() != nil else {
        pluginDiagnostic("a plugin called qemu_plugin_set_pc outside a vCPU's callbacks")
        abort()
    }
    host.services.resume(at: vaddr)
}
