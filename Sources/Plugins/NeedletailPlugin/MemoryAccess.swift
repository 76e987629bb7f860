public import CNeedletailPlugin

/// One access, in the callback that tells of it.
public struct MemoryAccess {
    let info: qemu_plugin_meminfo_t
    /// Of its first byte.
    public let address: UInt64

    @inline(__always)
    public init(_ info: qemu_plugin_meminfo_t, _ address: UInt64) {
        self.info = info
        self.address = address
    }

    public var isStore: Bool { qemu_plugin_mem_is_store(info) }
    public var isSignExtended: Bool { qemu_plugin_mem_is_sign_extended(info) }
    public var isBigEndian: Bool { qemu_plugin_mem_is_big_endian(info) }
    /// In bytes: 1, 2, 4, 8 or 16.
    public var size: Int { 1 << Int(qemu_plugin_mem_size_shift(info)) }

    /// What was read or written.
    public var value: MemoryValue {
        let raw = qemu_plugin_mem_get_value(info)
        switch raw.type {
        case QEMU_PLUGIN_MEM_VALUE_U8: return MemoryValue(size: 1, low: UInt64(raw.data.u8), high: 0)
        case QEMU_PLUGIN_MEM_VALUE_U16: return MemoryValue(size: 2, low: UInt64(raw.data.u16), high: 0)
        case QEMU_PLUGIN_MEM_VALUE_U32: return MemoryValue(size: 4, low: UInt64(raw.data.u32), high: 0)
        case QEMU_PLUGIN_MEM_VALUE_U64: return MemoryValue(size: 8, low: raw.data.u64, high: 0)
        default: return MemoryValue(size: 16, low: raw.data.u128.low, high: raw.data.u128.high)
        }
    }

    /// Where it went in the machine; nil in user mode.
    public var machineAddress: MachineAddress? {
        guard Plugin.hasMachine, let handle = qemu_plugin_get_hwaddr(info, address) else { return nil }
        return MachineAddress(handle: handle)
    }
}

/// As wide as the access, zero above. Host byte order.
public struct MemoryValue {
    /// In bytes.
    public let size: Int
    public let low: UInt64
    public let high: UInt64
}

/// Lives as long as the callback.
public struct MachineAddress {
    let handle: OpaquePointer
    public var isIO: Bool { qemu_plugin_hwaddr_is_io(handle) }
    public var address: UInt64 { qemu_plugin_hwaddr_phys_addr(handle) }
    /// For the life of the process.
    public var deviceName: CText? { qemu_plugin_hwaddr_device_name(handle) }
}
