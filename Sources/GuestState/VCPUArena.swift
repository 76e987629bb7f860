package import CHost
internal import Glibc

/// The address space of all vCPUs: `capacity` arenas, `NT_ARENA_STRIDE` bytes apart, laid out as `nt_cpu.h` draws. Reserved
/// at once and never moved, so a vCPU's CPU struct and its scoreboard elements keep their addresses for the process's life;
/// pages cost memory only once they are touched.
///
/// Threads: `cpu(_:)` and `scoreboards` from any; `activate(_:)` and `recycle(_:)` for one index at a time, by the owner of
/// vCPU indices, while no thread runs as that vCPU.
package final class VCPUArena: @unchecked Sendable {
    /// Arena 0.
    package let base: UnsafeMutableRawPointer
    /// Number of vCPU indices; `NT_MAX_VCPUS`, or less where the address space is limited.
    package let capacity: Int

    @inlinable package static var stride: Int { Int(NT_ARENA_STRIDE) }
    /// The part that belongs to one run of a vCPU; what follows outlives it.
    private static let privateSize = Int(NT_SCOREBOARD_OFFSET)

    /// - Throws: errno of the last attempt when not even one arena can be reserved.
    package init(capacity wanted: Int = Int(NT_MAX_VCPUS)) throws(HostMemoryError) {
        var count = wanted
        while true {
            // No access yet: strict overcommit counts only what is opened by `activate`.
            let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE
            let address = mmap(nil, count * Self.stride, PROT_NONE, flags, -1, 0)
            if let address, address != MAP_FAILED {
                base = address
                capacity = count
                return
            }
            // A limit on address space (ulimit -v) asks for fewer vCPUs, not for failure.
            if count == 1 { throw HostMemoryError(call: "mmap", errno: errno) }
            count = max(1, count / 2)
        }
    }

    deinit { munmap(base, capacity * Self.stride) }

    /// The CPU struct of a vCPU index. Readable only after `activate` of that index.
    @inlinable package func cpu(_ index: Int) -> UnsafeMutablePointer<nt_cpu> {
        precondition(index >= 0 && index < capacity, "vCPU index out of range")
        return base.advanced(by: index * VCPUArena.stride).assumingMemoryBound(to: nt_cpu.self)
    }

    /// Opens an index for its first use: everything zero, `cpu_index` set, jump cache empty.
    /// - Returns: The CPU struct; nil when the host refuses the memory.
    package func activate(_ index: Int) -> UnsafeMutablePointer<nt_cpu>? {
        let cpu = cpu(index)
        guard mprotect(cpu, Self.stride, PROT_READ | PROT_WRITE) == 0 else { return nil }
        // A huge page would be filled with zeros for the few kilobytes in use.
        madvise(cpu, Self.stride, MADV_NOHUGEPAGE)
        prepare(cpu, index)
        return cpu
    }

    /// Makes an index ready for another vCPU after its previous one ended: registers, engine words and jump cache start
    /// anew; scoreboards keep their values, because plugins add up what ended threads counted.
    package func recycle(_ index: Int) -> UnsafeMutablePointer<nt_cpu> {
        let cpu = cpu(index)
        release(index)
        prepare(cpu, index)
        return cpu
    }

    /// Gives the memory of an ended vCPU back to the host, but for its scoreboards: thousands of threads may have lived at
    /// once. Its registers read as zero until `recycle`.
    package func release(_ index: Int) { madvise(cpu(index), Self.privateSize, MADV_DONTNEED) }

    private func prepare(_ cpu: UnsafeMutablePointer<nt_cpu>, _ index: Int) {
        cpu.pointee.cpu_index = UInt32(index)
        cpu.pointee.clean_mxcsr = 0x1f80
        // A zeroed entry names PC 0, which only entry 0 is ever asked for: one store empties the cache.
        for flags in [0, UInt32(NT_TB_FPCR)] { nt_jump_cache(cpu, flags)[Int(nt_jump_cache_index(0))].pc = .max }
    }
}

/// The host refused address space or memory.
package struct HostMemoryError: Error, CustomStringConvertible {
    package let call: StaticString
    package let errno: Int32
    package var description: String { "\(call): \(String(cString: strerror(errno)))" }
}
