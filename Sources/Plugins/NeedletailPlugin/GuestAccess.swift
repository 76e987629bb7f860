public import CNeedletailPlugin

/// A register that the emulator lists.
public struct Register {
    @usableFromInline let handle: OpaquePointer?
    /// For the life of the process.
    public let name: CText
    public let feature: CText?
}

/// Registers and memory of the vCPU whose callback runs. One for each vCPU: the buffer is not shared.
public struct GuestAccess {
    @usableFromInline let buffer: UnsafeMutablePointer<GByteArray>?

    public init() { buffer = nt_plugin_new_byte_array() }

    /// One for events that come rarely; to be used with the plugin's lock held.
    public static var temporary: GuestAccess { shared ?? makeShared() }
    nonisolated(unsafe) private static var shared: GuestAccess?
    private static func makeShared() -> GuestAccess {
        let made = GuestAccess()
        shared = made
        return made
    }

    /// All registers there are; in a vCPU's callback.
    public static func registers(_ body: (Register) -> Void) {
        guard let array = qemu_plugin_get_registers() else { return }
        let count = Int(array.pointee.len)
        array.pointee.data?.withMemoryRebound(to: qemu_plugin_reg_descriptor.self, capacity: count) { descriptors in
            for index in 0..<count {
                guard let name = descriptors[index].name else { continue }
                body(Register(handle: descriptors[index].handle, name: name, feature: descriptors[index].feature))
            }
        }
        nt_plugin_free_array(array)
    }

    /// The value, least significant byte first on a little-endian guest; until the next use of this buffer. The callback must have been
    /// registered as reading registers.
    /// - Returns: nil when it cannot be read.
    public func read(_ register: Register) -> UnsafeBufferPointer<UInt8>? {
        nt_plugin_empty_byte_array(buffer)
        guard let buffer, qemu_plugin_read_register(register.handle, buffer) > 0 else { return nil }
        return contents(buffer)
    }

    /// Guest memory, whatever the protection; until the next use of this buffer.
    /// - Returns: nil when some of it is not mapped.
    public func read(_ address: UInt64, count: Int) -> UnsafeBufferPointer<UInt8>? {
        guard let buffer, count > 0, qemu_plugin_read_memory_vaddr(address, buffer, count) else { return nil }
        return contents(buffer)
    }

    /// Sets a register, least significant byte first. The callback must have been registered as writing registers.
    /// - Returns: False when it cannot be written.
    @_alwaysEmitIntoClient
    public func write(_ register: Register, _ value: UnsafeBufferPointer<UInt8>) -> Bool {
        nt_plugin_fill_byte_array(buffer, value.baseAddress, value.count)
            && qemu_plugin_write_register(register.handle, buffer) > 0
    }

    /// Writes guest memory, whatever the protection.
    /// - Parameter translates: By machine address, in system emulation.
    /// - Returns: False when it could not be written.
    @_alwaysEmitIntoClient
    public func write(_ address: UInt64, _ bytes: UnsafeBufferPointer<UInt8>, translates: Bool = false) -> Bool {
        guard nt_plugin_fill_byte_array(buffer, bytes.baseAddress, bytes.count) else { return false }
        if !translates { return qemu_plugin_write_memory_vaddr(address, buffer) }
        var place: UInt64 = 0
        return qemu_plugin_translate_vaddr(address, &place)
            && qemu_plugin_write_memory_hwaddr(place, buffer) == QEMU_PLUGIN_HWADDR_OPERATION_OK
    }

    /// Leaves the callback at once; the guest goes on at `address`. In execution callbacks that were registered with `.jump`, and in
    /// handlers of events on a vCPU's thread but its end. Nothing is cleaned up on the way: the caller must hold no lock. QEMU 11.
    @_alwaysEmitIntoClient
    public static func jump(to address: UInt64) -> Never { qemu_plugin_set_pc(address) }

    private func contents(_ buffer: UnsafeMutablePointer<GByteArray>) -> UnsafeBufferPointer<UInt8> {
        UnsafeBufferPointer(start: buffer.pointee.data, count: Int(buffer.pointee.len))
    }
}

/// The program that is run, in user mode once it is loaded.
public enum GuestProgram {
    /// To be freed; nil in system emulation.
    public static var path: CText? { qemu_plugin_path_to_binary() }
    /// Of the executable segments.
    public static var startCode: UInt64 { qemu_plugin_start_code() }
    public static var endCode: UInt64 { qemu_plugin_end_code() }
    public static var entryCode: UInt64 { qemu_plugin_entry_code() }
}
