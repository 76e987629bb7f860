internal import CHost
package import Synchronization

/// Copies between host buffers and guest memory that may be unmapped. Threads: any.
package enum FallibleCopy {
    /// Whether a pointer's top byte is ignored here, too, as the processor does.
    package static let acceptsTags = Atomic<Bool>(false)

    /// Bits 63:56 as bit 55, if that makes it a user address.
    package static func withoutTag(_ address: GuestAddress) -> GuestAddress {
        address & UInt64(bitPattern: Int64(bitPattern: address << 8) >> 8)
    }

    /// The address to try again without its tag; nil when it has none or tags are not accepted.
    private static func retry(_ address: GuestAddress) -> GuestAddress? {
        let clean = withoutTag(address)
        return clean != address && acceptsTags.load(ordering: .relaxed) ? clean : nil
    }

    /// Reads `destination.count` bytes at `address`.
    /// - Returns: the number of bytes read before the first that could not be.
    package static func read(_ address: GuestAddress, into destination: UnsafeMutableRawBufferPointer) -> Int {
        guard let to = destination.baseAddress, destination.count > 0 else { return 0 }
        guard let from = UnsafeRawPointer(bitPattern: UInt(address)) else { return 0 }
        // SAFETY: `destination` is ours and large enough; the source may be anything, that is what the callee is for.
        let done = destination.count - nt_copy_fallible(to, from, destination.count)
        if done == 0, let clean = retry(address) { return read(clean, into: destination) }
        return done
    }

    /// Writes `source` at `address`.
    /// - Returns: the number of bytes written before the first that could not be.
    package static func write(_ source: UnsafeRawBufferPointer, to address: GuestAddress) -> Int {
        guard let from = source.baseAddress, source.count > 0 else { return 0 }
        guard let to = UnsafeMutableRawPointer(bitPattern: UInt(address)) else { return 0 }
        // SAFETY: as above; a guest that points at the emulator's own memory harms only itself.
        let done = source.count - nt_copy_fallible(to, from, source.count)
        if done == 0, let clean = retry(address) { return write(source, to: clean) }
        return done
    }
}
