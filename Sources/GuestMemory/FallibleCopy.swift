internal import CHost

/// Copies between host buffers and guest memory that may be unmapped. Threads: any.
package enum FallibleCopy {
    /// Reads `destination.count` bytes at `address`.
    /// - Returns: the number of bytes read before the first that could not be.
    package static func read(_ address: GuestAddress, into destination: UnsafeMutableRawBufferPointer) -> Int {
        guard let to = destination.baseAddress, destination.count > 0 else { return 0 }
        guard let from = UnsafeRawPointer(bitPattern: UInt(address)) else { return 0 }
        // SAFETY: `destination` is ours and large enough; the source may be anything, that is what the callee is for.
        return destination.count - nt_copy_fallible(to, from, destination.count)
    }

    /// Writes `source` at `address`.
    /// - Returns: the number of bytes written before the first that could not be.
    package static func write(_ source: UnsafeRawBufferPointer, to address: GuestAddress) -> Int {
        guard let from = source.baseAddress, source.count > 0 else { return 0 }
        guard let to = UnsafeMutableRawPointer(bitPattern: UInt(address)) else { return 0 }
        // SAFETY: as above; a guest that points at the emulator's own memory harms only itself.
        return source.count - nt_copy_fallible(to, from, source.count)
    }
}
