internal import Glibc

/// A file with guest code at a certain place: what stays the same from one process to the next, if the file does.
package struct GuestImage: Equatable, Sendable {
    package let device: UInt64
    package let inode: UInt64
    /// In bytes.
    package let size: Int64
    /// Nanoseconds since 1970, of the contents and of the inode.
    package let modification: Int64
    package let change: Int64
    /// The address of the file's first byte, were all of it mapped as the code is.
    package let base: GuestAddress

    /// - Returns: nil when the descriptor is no regular file with a name.
    package init?(descriptor: Int32, base: GuestAddress) {
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_nlink > 0 else { return nil }
        device = UInt64(status.st_dev)
        inode = UInt64(status.st_ino)
        size = Int64(status.st_size)
        modification = Int64(status.st_mtim.tv_sec) &* 1_000_000_000 &+ Int64(status.st_mtim.tv_nsec)
        change = Int64(status.st_ctim.tv_sec) &* 1_000_000_000 &+ Int64(status.st_ctim.tv_nsec)
        self.base = base
    }

    /// Where files are put that may be anywhere: always there, so that what is known of their code is true in the next process, too.
    /// Nothing else is here: programs have their own addresses far below, the host's kernel begins at the top; the shadow memory of
    /// sanitizers and the heaps of Go and Java are elsewhere.
    package static let area: Range<GuestAddress> = 0x3000_0000_0000..<0x5000_0000_0000
    /// From here on are the addresses that the host's kernel chooses, each time others.
    package static let firstRandomAddress: GuestAddress = 0x5800_0000_0000
    private static let step: UInt64 = 2 << 20

    /// A place for `length` bytes of the file, which a few files of many share.
    package func preferredAddress(length: UInt64) -> GuestAddress {
        var hash = (inode &+ device &* 0x9e37_79b9_7f4a_7c15) &* 0xbf58_476d_1ce4_e5b9
        hash ^= hash >> 29
        hash = hash &* 0x94d0_49bb_1331_11eb
        let steps = UInt64(Self.area.count) / Self.step
        let start = Self.area.lowerBound + (hash >> 32) % steps * Self.step
        return length < Self.area.upperBound - start ? start : Self.area.lowerBound
    }
}
