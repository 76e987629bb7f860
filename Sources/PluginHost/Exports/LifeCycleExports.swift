// Life-cycle, event subscription, output and program queries: section 1.3 and 1.10 of the interface. Exported under their C
// names; the parameters are those of qemu-plugin.h. Before a host exists all of them do nothing.

internal import CPluginCalls
internal import Glibc

// Callbacks come as bare addresses: their shapes depend on the API version of the plugin that the id names. Up to API 6 most
// functions here have no userdata parameter: what stands in its place is then never used.

@c(qemu_plugin_uninstall)
public func pluginUninstall(_ id: UInt64, _ completion: UnsafeRawPointer?, _ userdata: UnsafeMutableRawPointer?) {
    PluginHost.active?.request(.uninstall, id, completion, userdata)
}

@c(qemu_plugin_reset)
public func pluginReset(_ id: UInt64, _ completion: UnsafeRawPointer?, _ userdata: UnsafeMutableRawPointer?) {
    PluginHost.active?.request(.reset, id, completion, userdata)
}

@c(qemu_plugin_register_vcpu_init_cb)
public func pluginRegisterVCPUInit(_ id: UInt64, _ callback: UnsafeRawPointer?, _ userdata: UnsafeMutableRawPointer?) {
    PluginHost.active?.subscribe(id, .vcpuInit, callback, userdata)
}

@c(qemu_plugin_register_vcpu_exit_cb)
public func pluginRegisterVCPUExit(_ id: UInt64, _ callback: UnsafeRawPointer?, _ userdata: UnsafeMutableRawPointer?) {
    PluginHost.active?.subscribe(id, .vcpuExit, callback, userdata)
}

@c(qemu_plugin_register_vcpu_idle_cb)
public func pluginRegisterVCPUIdle(_ id: UInt64, _ callback: UnsafeRawPointer?, _ userdata: UnsafeMutableRawPointer?) {
    PluginHost.active?.subscribe(id, .vcpuIdle, callback, userdata)
}

@c(qemu_plugin_register_vcpu_resume_cb)
public func pluginRegisterVCPUResume(_ id: UInt64, _ callback: UnsafeRawPointer?, _ userdata: UnsafeMutableRawPointer?) {
    PluginHost.active?.subscribe(id, .vcpuResume, callback, userdata)
}

@c(qemu_plugin_register_vcpu_tb_trans_cb)
public func pluginRegisterTBTrans(_ id: UInt64, _ callback: UnsafeRawPointer?, _ userdata: UnsafeMutableRawPointer?) {
    PluginHost.active?.subscribe(id, .tbTrans, callback, userdata)
}

@c(qemu_plugin_register_vcpu_syscall_cb)
public func pluginRegisterSyscall(_ id: UInt64, _ callback: UnsafeRawPointer?, _ userdata: UnsafeMutableRawPointer?) {
    PluginHost.active?.subscribe(id, .syscall, callback, userdata)
}

@c(qemu_plugin_register_vcpu_syscall_ret_cb)
public func pluginRegisterSyscallReturn(_ id: UInt64, _ callback: UnsafeRawPointer?, _ userdata: UnsafeMutableRawPointer?) {
    PluginHost.active?.subscribe(id, .syscallReturn, callback, userdata)
}

@c(qemu_plugin_register_vcpu_syscall_filter_cb)
public func pluginRegisterSyscallFilter(_ id: UInt64, _ callback: UnsafeRawPointer?, _ userdata: UnsafeMutableRawPointer?) {
    PluginHost.active?.subscribe(id, .syscallFilter, callback, userdata)
}

@c(qemu_plugin_register_flush_cb)
public func pluginRegisterFlush(_ id: UInt64, _ callback: UnsafeRawPointer?, _ userdata: UnsafeMutableRawPointer?) {
    PluginHost.active?.subscribe(id, .flush, callback, userdata)
}

@c(qemu_plugin_register_atexit_cb)
public func pluginRegisterAtExit(_ id: UInt64, _ callback: UnsafeRawPointer?, _ userdata: UnsafeMutableRawPointer?) {
    PluginHost.active?.subscribe(id, .atExit, callback, userdata)
}

/// Each bit of `type` is a slot of its own.
@c(qemu_plugin_register_vcpu_discon_cb)
public func pluginRegisterVCPUDiscon(
    _ id: UInt64, _ type: CInt, _ callback: UnsafeRawPointer?, _ userdata: UnsafeMutableRawPointer?
) {
    for kind in [PluginDiscontinuity.interrupt, .exception, .hostCall] where type & kind.type != 0 {
        PluginHost.active?.subscribe(id, kind.event, callback, userdata)
    }
}

@c(qemu_plugin_vcpu_for_each)
public func pluginVCPUForEach(_ id: UInt64, _ callback: UnsafeRawPointer?, _ userdata: UnsafeMutableRawPointer?) {
    guard let callback, let host = PluginHost.active, let plugin = host.plugin(id) else { return }
    for index in host.vcpus { host.call(plugin, callback, userdata) { nt_plugin_call_vcpu(&$0, UInt32(index)) } }
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

/// The rest of qemu_plugin_set_pc, which is in C (CPluginCalls): it did not come from where it may.
@c(nt_plugin_refuse_set_pc)
public func pluginRefuseSetPC() {
    pluginDiagnostic(
        "a plugin called qemu_plugin_set_pc where the guest's PC cannot be changed: it needs an execution callback with "
            + "QEMU_PLUGIN_CB_RW_REGS_PC, or a vcpu_init, tb_trans, syscall or discontinuity callback")
}
