// The empty plugin: asks to see every block and does nothing. It measures what the interface itself costs. Takes any option.

public import CPluginKit

@c(qemu_plugin_install)
public func install(
    _ id: qemu_plugin_id_t, _ info: UnsafePointer<qemu_info_t>?, _ argc: Int32,
    _ argv: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
) -> Int32 {
    qemu_plugin_register_vcpu_tb_trans_cb(id) { _, _ in }
    return 0
}
