// Guest registers, guest memory and what a memory callback may ask: sections 1.6 to 1.8 of the interface.

internal import CHost
public import CPluginAPI
internal import Glibc
internal import GuestState
internal import IRPasses

// MARK: Registers

// The exported functions are in C (CPluginCalls), which knows the caller's API version.

/// qemu_plugin_get_registers. The plugin frees the array; the strings stay.
@c(nt_plugin_registers)
public func pluginGetRegisters(_ version: CInt) -> UnsafeMutablePointer<GArray>? {
    guard let glib = GLib.shared, let host = PluginHost.active else { return nil }
    return version >= 6
        ? array(of: host.registers.descriptors, glib) : array(of: host.registers.shortDescriptors, glib)
}

private func array<Element>(of elements: UnsafeMutableBufferPointer<Element>, _ glib: GLib) -> UnsafeMutablePointer<GArray>? {
    // Zero-terminated and clearing, as plugins find it in QEMU.
    guard let array = glib.newArray(1, 1, UInt32(MemoryLayout<Element>.stride)), let values = elements.baseAddress
    else { return nil }
    return glib.appendValues(array, values, UInt32(elements.count))
}

/// qemu_plugin_read_register.
/// - Returns: Bytes appended; 0 for what is no register, -1 where registers may not be read.
@c(nt_plugin_read_register)
public func pluginReadRegister(_ handle: OpaquePointer?, _ buffer: UnsafeMutablePointer<GByteArray>?) -> CInt {
    guard let cpu = nt_thread_cpu(), cpu.pointee.reg_permission != UInt32(QEMU_PLUGIN_CB_NO_REGS.rawValue)
    else { return -1 }
    guard let buffer, let register = PluginRegister(handle: handle), let glib = GLib.shared else { return 0 }
    var value = register.read(GuestRegisters(cpu))
    // (lo, hi) is 16 bytes in memory order on little-endian hosts, the only kind.
    withUnsafeBytes(of: &value) { bytes in
        _ = glib.appendBytes(buffer, bytes.baseAddress!, UInt32(register.size))
    }
    return CInt(register.size)
}

/// qemu_plugin_write_register.
/// - Parameter acceptsPC: As up to API 5: writing `pc` succeeds without effect.
/// - Returns: Bytes written; 0 for what cannot be written, -1 where registers may not be, or for an empty buffer.
@c(nt_plugin_write_register)
public func pluginWriteRegister(
    _ handle: OpaquePointer?, _ buffer: UnsafeMutablePointer<GByteArray>?, _ acceptsPC: Bool
) -> CInt {
    guard let cpu = nt_thread_cpu(), let buffer, let data = buffer.pointee.data, buffer.pointee.len != 0,
        cpu.pointee.reg_permission >= UInt32(QEMU_PLUGIN_CB_RW_REGS.rawValue)
    else { return -1 }
    guard let register = PluginRegister(handle: handle) else { return 0 }
    if register.isReadOnly { return register.isPC && acceptsPC ? CInt(register.size) : 0 }
    // A short buffer is undefined in the interface; here the rest is zero.
    var value: (lo: UInt64, hi: UInt64) = (0, 0)
    memcpy(&value, data, min(Int(buffer.pointee.len), register.size))
    register.write(GuestRegisters(cpu), lo: value.lo, hi: value.hi)
    return CInt(register.size)
}

// MARK: Guest memory

@c(qemu_plugin_read_memory_vaddr)
public func pluginReadMemory(_ address: UInt64, _ data: UnsafeMutablePointer<GByteArray>?, _ length: Int) -> Bool {
    guard length > 0, length <= Int(UInt32.max), let data, let host = PluginHost.active, let glib = GLib.shared,
        let array = glib.setSize(data, UInt32(length)), let bytes = array.pointee.data
    else { return false }
    return host.services.readMemory(at: address, into: UnsafeMutableRawBufferPointer(start: bytes, count: length))
}

@c(qemu_plugin_write_memory_vaddr)
public func pluginWriteMemory(_ address: UInt64, _ data: UnsafeMutablePointer<GByteArray>?) -> Bool {
    guard let data, data.pointee.len > 0, let bytes = data.pointee.data, let host = PluginHost.active else { return false }
    return host.services.writeMemory(
        at: address, from: UnsafeRawBufferPointer(start: bytes, count: Int(data.pointee.len)))
}

// A user program has no machine addresses.

@c(qemu_plugin_read_memory_hwaddr)
public func pluginReadMemoryHWAddr(
    _ address: UInt64, _ data: UnsafeMutablePointer<GByteArray>?, _ length: Int
) -> qemu_plugin_hwaddr_operation_result { QEMU_PLUGIN_HWADDR_OPERATION_ERROR }

@c(qemu_plugin_write_memory_hwaddr)
public func pluginWriteMemoryHWAddr(
    _ address: UInt64, _ data: UnsafeMutablePointer<GByteArray>?
) -> qemu_plugin_hwaddr_operation_result { QEMU_PLUGIN_HWADDR_OPERATION_ERROR }

@c(qemu_plugin_translate_vaddr)
public func pluginTranslateVAddr(_ address: UInt64, _ result: UnsafeMutablePointer<UInt64>?) -> Bool { false }

// MARK: Memory accesses

@c(qemu_plugin_mem_size_shift)
public func pluginMemSizeShift(_ info: qemu_plugin_meminfo_t) -> CUnsignedInt { CUnsignedInt(MemoryAccessInfo(info).sizeShift) }

@c(qemu_plugin_mem_is_sign_extended)
public func pluginMemIsSignExtended(_ info: qemu_plugin_meminfo_t) -> Bool { MemoryAccessInfo(info).isSignExtended }

@c(qemu_plugin_mem_is_big_endian)
public func pluginMemIsBigEndian(_ info: qemu_plugin_meminfo_t) -> Bool { MemoryAccessInfo(info).isBigEndian }

@c(qemu_plugin_mem_is_store)
public func pluginMemIsStore(_ info: qemu_plugin_meminfo_t) -> Bool { MemoryAccessInfo(info).isStore }

/// Generated code stores the value of the access in the CPU struct before it calls a memory callback.
@c(qemu_plugin_mem_get_value)
public func pluginMemGetValue(_ info: qemu_plugin_meminfo_t) -> qemu_plugin_mem_value {
    var value = qemu_plugin_mem_value()
    guard let cpu = nt_thread_cpu() else { return value }
    let raw = cpu.pointee.mem_value
    switch MemoryAccessInfo(info).sizeShift {
    case 0:
        value.type = QEMU_PLUGIN_MEM_VALUE_U8
        value.data.u8 = UInt8(truncatingIfNeeded: raw.lo)
    case 1:
        value.type = QEMU_PLUGIN_MEM_VALUE_U16
        value.data.u16 = UInt16(truncatingIfNeeded: raw.lo)
    case 2:
        value.type = QEMU_PLUGIN_MEM_VALUE_U32
        value.data.u32 = UInt32(truncatingIfNeeded: raw.lo)
    case 3:
        value.type = QEMU_PLUGIN_MEM_VALUE_U64
        value.data.u64 = raw.lo
    case _:
        value.type = QEMU_PLUGIN_MEM_VALUE_U128
        value.data.u128.low = raw.lo
        value.data.u128.high = raw.hi
    }
    return value
}

@c(qemu_plugin_get_hwaddr)
public func pluginGetHWAddr(_ info: qemu_plugin_meminfo_t, _ address: UInt64) -> OpaquePointer? { nil }

@c(qemu_plugin_hwaddr_is_io)
public func pluginHWAddrIsIO(_ hwaddr: OpaquePointer?) -> Bool { false }

@c(qemu_plugin_hwaddr_phys_addr)
public func pluginHWAddrPhysAddr(_ hwaddr: OpaquePointer?) -> UInt64 { 0 }

@c(qemu_plugin_hwaddr_device_name)
public func pluginHWAddrDeviceName(_ hwaddr: OpaquePointer?) -> UnsafePointer<CChar>? { invalidDevice.pointer }

private let invalidDevice = PermanentCString("Invalid")
