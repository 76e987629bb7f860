internal import GuestMemory

/// The tagged address ABI: system calls that take pointers with something in their top byte. Loads and stores ignore that
/// byte always; the kernel only after `PR_SET_TAGGED_ADDR_CTRL`, which here speaks for all threads. Pointers inside of
/// structures that the host reads itself (`iovec`, `msghdr`) must not have tags.
enum TaggedAddresses {
    private static let set: Int32 = 55
    private static let get: Int32 = 56
    private static let enable: UInt64 = 1

    static func prctl(_ option: Int32, _ a: SyscallArguments) throws(LinuxErrno) -> UInt64? {
        switch option {
        case set:
            // The other bits are of FEAT_MTE.
            guard a[1] & ~enable == 0, a[2] == 0, a[3] == 0, a[4] == 0 else { throw .EINVAL }
            FallibleCopy.acceptsTags.store(a[1] & enable != 0, ordering: .relaxed)
            return 0
        case get:
            guard a[1] == 0, a[2] == 0, a[3] == 0, a[4] == 0 else { throw .EINVAL }
            return isOn ? enable : 0
        default: return nil
        }
    }

    static var isOn: Bool { FallibleCopy.acceptsTags.load(ordering: .relaxed) }

    /// The arguments with the tags of those that the row calls pointers dropped.
    static func strip(_ arguments: SyscallArguments, _ signature: StaticString) -> SyscallArguments {
        var values: InlineArray<6, UInt64> = [0, 0, 0, 0, 0, 0]
        for index in 0..<6 { values[index] = arguments[index] }
        for (index, letter) in signature.description.prefix(while: { $0 != ">" }).enumerated() where index < 6 {
            if "psat".contains(letter) { values[index] = FallibleCopy.withoutTag(values[index]) }
        }
        return SyscallArguments(values)
    }
}
