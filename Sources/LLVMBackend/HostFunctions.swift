internal import CHost
internal import EmuIR

/// Addresses of the C functions that lowered code calls.
enum HostFunctions {
    /// `uint32_t (uint32_t accumulator, uint64_t data, uint32_t size)`
    static var crc32: UInt { helper(.crc32) }
    static func helper(_ helper: Helper) -> UInt { UInt(bitPattern: nt_helper_address(UInt32(helper.rawValue))) }
}
