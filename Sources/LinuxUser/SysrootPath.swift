internal import CHost

/// `-L`: looking absolute guest paths up under a prefix first.
///
/// The prefix acts as a root: absolute symbolic links inside it (`/etc/alternatives`) lead to its own files and `..` does not
/// lead out of it. What is not there is the host's, and so are the kernel's file systems and the directories where host and
/// guest meet (`/tmp`), which in an unpacked root are empty.
enum SysrootPath {
    /// Nothing below these is looked up under the prefix.
    private static let hostTrees: [[UInt8]] = ["dev", "proc", "sys"].map { Array($0.utf8) }
    /// These themselves are the host's, what is below them is not.
    private static let hostDirectories: [[UInt8]] =
        ["tmp", "var/tmp", "run", "home", "root", "mnt", "media"].map { Array($0.utf8) }
    /// The kernel's own limit on links in one path.
    private static let linkLimit = 40

    /// The host's path of what `path` names under `sysroot`, free of links but for a last one that is not followed.
    /// - Parameter followsLast: false for calls that look at a symbolic link itself.
    /// - Returns: nil without a sysroot, for a relative path, and when there is nothing by that name under the prefix.
    static func resolve(_ path: [UInt8], sysroot: [UInt8], followsLast: Bool = true) -> [UInt8]? {
        guard !sysroot.isEmpty, path.first == UInt8(ascii: "/") else { return nil }
        let isDirectory = path.last == UInt8(ascii: "/")
        var walk = Walk(sysroot: sysroot)
        return walk.run(path, followsLast: followsLast || isDirectory) ? walk.result(isDirectory: isDirectory) : nil
    }

    private struct Walk {
        let sysroot: [UInt8]
        /// The prefix and what of the path is resolved: no link, no `..`.
        private var current: [UInt8]
        /// Components to come, the next one last.
        private var pending: [[UInt8]] = []

        init(sysroot: [UInt8]) {
            self.sysroot = sysroot
            current = sysroot
        }

        func result(isDirectory: Bool) -> [UInt8] { isDirectory ? current + [UInt8(ascii: "/")] : current }

        mutating func run(_ path: [UInt8], followsLast: Bool) -> Bool {
            var links = 0
            push(path)
            while let component = pending.popLast() {
                if component == Array("..".utf8) {
                    if current.count > sysroot.count, let slash = current.lastIndex(of: UInt8(ascii: "/")) {
                        current.removeSubrange(slash...)
                    }
                    continue
                }
                let parent = current.count
                current += [UInt8(ascii: "/")] + component
                if SysrootPath.hostTrees.contains(where: { current[(sysroot.count + 1)...].elementsEqual($0) }) { return false }
                switch SysrootPath.readLink(current) {
                case .absent: return false
                case .other: break
                case .link(let target):
                    if pending.isEmpty, !followsLast { break }
                    links += 1
                    if links > SysrootPath.linkLimit { return false }
                    current.removeSubrange((target.first == UInt8(ascii: "/") ? sysroot.count : parent)...)
                    push(target)
                }
            }
            let relative = current[sysroot.count...].dropFirst()
            return !SysrootPath.hostDirectories.contains { relative.elementsEqual($0) }
        }

        private mutating func push(_ path: [UInt8]) {
            for component in path.split(separator: UInt8(ascii: "/")).reversed() where !component.elementsEqual(".".utf8) {
                pending.append(Array(component))
            }
        }
    }

    private enum Entry {
        case absent
        case link([UInt8])
        case other
    }

    private static func readLink(_ path: [UInt8]) -> Entry {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: path.count + 1 + 4096) { buffer in
            for (index, byte) in path.enumerated() { buffer[index] = byte }
            buffer[path.count] = 0
            guard let start = buffer.baseAddress else { return .absent }
            let target = start + path.count + 1
            let count = nt_linux_syscall(
                CallNumber.readlinkat, atCurrentDirectory, address(start), address(target), 4096, 0, 0)
            switch count {
            case 0...: return .link(Array(UnsafeBufferPointer(start: target, count: Int(count))))
            case -22: return .other  // EINVAL: there, but no link
            default: return .absent
            }
        }
    }
}
