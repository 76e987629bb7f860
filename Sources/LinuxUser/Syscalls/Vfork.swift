internal import CHost
internal import Glibc
internal import GuestMemory

/// What a child of CLONE_VFORK and its waiting parent say to each other. The child is a copy, not a borrower of the
/// parent's memory, so that two things have to be imitated: the parent sleeps until the child executes a program or
/// ends; and what the child wrote before it ended (posix_spawn's error, vfork's flag variables) appears in the parent's
/// memory.
///
/// The link is a socket pair; execve closes the child's end. A child about to end sends one byte and waits for the
/// parent, which copies what differs, to close its end.
struct VforkLink {
    private var ends: (parent: Int32, child: Int32)

    /// More writable memory than this is not compared; the stack above SP still is.
    private static let compareLimit: UInt64 = 64 << 20
    private static let stackPart: UInt64 = 16 << 10
    private static let chunkSize = 64 << 10

    /// nil when the host has no descriptors left: the fork then is a plain one.
    init?() {
        var pair: [Int32] = [-1, -1]
        guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue) | 0o2000000, 0, &pair) == 0 else { return nil }
        // A child closes all descriptors it sees before it executes a program.
        let moved = pair.map { OwnDescriptors.shared.adopt($0) }
        ends = (moved[0], moved[1])
    }

    /// Parent, when fork failed.
    func discard() {
        OwnDescriptors.shared.close(ends.parent)
        OwnDescriptors.shared.close(ends.child)
    }

    /// Child: keeps its end and returns it. Before the locks held for fork are free.
    func becomeChild() -> Int32 {
        OwnDescriptors.shared.closeWithLockHeld(ends.parent)
        return ends.child
    }

    /// Child, before it ends without having executed a program.
    static func childEnds(_ descriptor: Int32) {
        let descriptor = OwnDescriptors.shared.current(descriptor)
        var byte: UInt8 = 1
        guard send(descriptor, &byte, 1, Int32(MSG_NOSIGNAL)) == 1 else { return }
        _ = recv(descriptor, &byte, 1, 0)  // returns when the parent closes
    }

    /// Parent: returns when the child has executed a program or is about to end. Signals are blocked meanwhile, as the
    /// kernel delivers none to a thread in vfork.
    /// - Parameter isAlone: no other guest thread runs, so that all that differs is the child's doing.
    func wait(for child: Int32, addressSpace: AddressSpace, stackPointer: GuestAddress, isAlone: Bool) {
        OwnDescriptors.shared.close(ends.child)
        defer { OwnDescriptors.shared.close(ends.parent) }
        var byte: UInt8 = 0
        guard recv(ends.parent, &byte, 1, 0) == 1 else { return }
        for range in Self.ranges(addressSpace.withMap { $0.areas }, stackPointer, isAlone) {
            copyDifferences(in: range, from: child)
        }
    }

    private static func ranges(
        _ areas: [VMA], _ stackPointer: GuestAddress, _ isAlone: Bool
    ) -> [Range<GuestAddress>] {
        // Untouched parts of the stack's reservation need not be looked at.
        let writable = areas.filter { $0.protection.contains(.write) && !$0.isShared }.map {
            $0.range.contains(stackPointer) ? stackPointer..<$0.range.upperBound : $0.range
        }
        let total = writable.reduce(0) { $0 + UInt64($1.count) }
        if isAlone, total <= compareLimit { return writable }
        return writable.filter { $0.contains(stackPointer) }.map {
            $0.clamped(to: stackPointer..<stackPointer &+ stackPart)
        }
    }

    private func copyDifferences(in range: Range<GuestAddress>, from child: Int32) {
        var theirs = [UInt8](repeating: 0, count: Self.chunkSize)
        var at = range.lowerBound
        while at < range.upperBound {
            let count = Int(min(UInt64(Self.chunkSize), range.upperBound - at))
            let read = theirs.withUnsafeMutableBytes { buffer in
                var local = iovec(iov_base: buffer.baseAddress, iov_len: count)
                var remote = iovec(iov_base: UnsafeMutableRawPointer(bitPattern: UInt(at)), iov_len: count)
                return nt_linux_syscall(270, UInt64(child), address(&local), 1, address(&remote), 1, 0)
            }
            if read == count, let ours = try? UserMemory.readBytes(at, count: count) {
                // Only what differs, so that pages both only read stay shared between the two processes.
                for start in stride(from: 0, to: count, by: 4096) {
                    let part = start..<min(start + 4096, count)
                    if ours[part] != theirs[part] {
                        _ = try? UserMemory.write(Array(theirs[part]), to: at + UInt64(start))
                    }
                }
            }
            at += UInt64(count)
        }
    }
}
