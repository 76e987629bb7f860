package import Support

/// What the guest has mapped, shared by its threads. It records; the mapping itself is done by the environment.
///
/// The host never maps guest memory executable: guest code is translated, so the guest's execute permission lives only
/// here (an execute-only page is readable on the host). The engine asks `canFetch` before it reads an instruction.
///
/// Threads: any. The lock of the record is a leaf: nothing else is locked while it is held.
package final class AddressSpace: @unchecked Sendable {
    // @unchecked: `map` is only touched with `lock` held.
    private let lock = Lock()
    private var map = VMAMap()
    /// Files whose code was mapped; an area's `image` is the index and 1.
    private var images: [GuestImage] = []
    /// Held around each change of the host's mappings together with its record, so that of two threads' changes at one address
    /// both keep the same order. Taken before every lock of the engine.
    package let layoutLock = Lock()

    package init() {}

    /// True when instructions may be fetched from the page of `address`.
    package func canFetch(_ address: GuestAddress) -> Bool {
        withMap { $0.area(at: address)?.protection.contains(.execute) ?? false }
    }

    package func isGuarded(_ address: GuestAddress) -> Bool {
        withMap { $0.area(at: address)?.protection.contains(.guarded) ?? false }
    }

    /// The file whose code is at an address, and its number in this address space.
    package func image(at address: GuestAddress) -> (number: Int, image: GuestImage)? {
        lock.withLock {
            guard let area = map.area(at: address), area.image != 0 else { return nil }
            return (Int(area.image) - 1, images[Int(area.image) - 1])
        }
    }

    /// What areas with code of a file have in `image`.
    package func register(_ image: GuestImage) -> UInt32 {
        lock.withLock {
            if let known = images.firstIndex(of: image) { return UInt32(known + 1) }
            images.append(image)
            return UInt32(images.count)
        }
    }

    package func withMap<Result>(_ body: (inout VMAMap) -> Result) -> Result {
        lock.withLock { body(&map) }
    }

    /// Keeps the record unchanged across a fork; `unlockAfterFork` follows in both processes.
    package func lockForFork() { lock.lock() }
    package func unlockAfterFork() { lock.unlock() }
}

extension UInt64 {
    @inlinable package var pageRoundedDown: UInt64 { self & ~(4096 - 1) }
    /// Wraps to 0 in the last page of the address space.
    @inlinable package var pageRoundedUp: UInt64 { (self &+ (4096 - 1)) & ~(4096 - 1) }
}
