internal import CZstd
internal import Glibc

/// Memory for what is decompressed: it lives as long as the pool, and its pages come many at a time. One thread at a time.
package final class MemoryPool {
    private var next: UnsafeMutableRawPointer?
    private var room = 0
    private var regions: [UnsafeMutableRawBufferPointer] = []
    /// Of zstd, for all frames.
    let context: OpaquePointer?

    private static let step = 256 << 10

    package init() { context = ZSTD_createDCtx() }
    deinit {
        ZSTD_freeDCtx(context)
        for region in regions { munmap(region.baseAddress, region.count) }
    }

    /// At a multiple of 16.
    /// - Returns: nil when there is no memory.
    func allocate(_ size: Int) -> UnsafeMutableRawBufferPointer? {
        let rounded = (size + 15) & ~15
        if rounded > room {
            let size = max(Self.step, (rounded + 4095) & ~4095)
            let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE
            guard let memory = mmap(nil, size, PROT_READ | PROT_WRITE, flags, -1, 0), memory != MAP_FAILED else { return nil }
            regions.append(UnsafeMutableRawBufferPointer(start: memory, count: size))
            next = memory
            room = size
        }
        guard let memory = next else { return nil }
        next = memory + rounded
        room -= rounded
        return UnsafeMutableRawBufferPointer(start: memory, count: size)
    }
}
