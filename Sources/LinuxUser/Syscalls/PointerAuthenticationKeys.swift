internal import CHost

/// Pointer authentication keys as Linux keeps them: random at exec, inherited by threads and forked processes, and each thread's own
/// from then on ("Pointer authentication in AArch64 Linux").
enum PointerAuthenticationKeys {
    /// Bits of prctl's masks, as `nt_pac_key` numbers the keys.
    private static let all: UInt64 = 0x1f
    /// Those that can be disabled: all but the generic one.
    private static let addressKeys: UInt64 = 0xf
    /// HWCAP_PACA.
    private static let hwcap: UInt64 = 1 << 30

    /// Gives the vCPU new keys: those whose bits `mask` has.
    static func randomise(_ mask: UInt64, _ cpu: UnsafeMutablePointer<nt_cpu>) {
        withUnsafeMutablePointer(to: &cpu.pointee.pac_keys) { keys in
            keys.withMemoryRebound(to: nt_v128.self, capacity: 5) { keys in
                for index in 0..<5 where mask >> UInt64(index) & 1 != 0 {
                    keys[index] = nt_v128(lo: .random(in: 0...UInt64.max), hi: .random(in: 0...UInt64.max))
                }
            }
        }
        nt_pac_keys_changed(cpu)
    }

    /// PR_PAC_RESET_KEYS, PR_PAC_SET_ENABLED_KEYS and PR_PAC_GET_ENABLED_KEYS.
    /// - Returns: nil for other options.
    /// - Throws: EINVAL without the feature, for keys that do not exist or cannot be disabled, for operands that must be 0.
    static func prctl(_ option: Int32, _ a: SyscallArguments, _ thread: LinuxThread) throws(LinuxErrno) -> UInt64? {
        guard [54, 60, 61].contains(option) else { return nil }
        guard thread.process.configuration.hwcap & hwcap != 0, a[3] == 0, a[4] == 0 else { throw .EINVAL }
        let cpu: UnsafeMutablePointer<nt_cpu> = thread.registers.cpu
        switch option {
        case 54:
            guard a[1] & ~all == 0, a[2] == 0 else { throw .EINVAL }
            randomise(a[1] == 0 ? all : a[1], cpu)
            return 0
        case 60:
            guard a[1] & ~addressKeys == 0, a[2] & ~a[1] == 0 else { throw .EINVAL }
            cpu.pointee.pac_disabled = cpu.pointee.pac_disabled & ~a[1] | a[1] & ~a[2]
            return 0
        default:
            guard a[1] == 0, a[2] == 0 else { throw .EINVAL }
            return addressKeys & ~cpu.pointee.pac_disabled
        }
    }
}
