package import GuestMemory

/// Copy-in and copy-out: the only way this module looks through a guest pointer. Every function throws EFAULT when a
/// byte cannot be reached.
package enum UserMemory {
    package static func read<T: BitwiseCopyable>(
        _ address: GuestAddress, as type: T.Type = T.self
    ) throws(LinuxErrno) -> T {
        let value = withUnsafeTemporaryAllocation(
            byteCount: MemoryLayout<T>.size, alignment: MemoryLayout<T>.alignment
        ) { buffer -> T? in
            FallibleCopy.read(address, into: buffer) == buffer.count ? buffer.load(as: T.self) : nil
        }
        guard let value else { throw .EFAULT }
        return value
    }

    package static func write<T: BitwiseCopyable>(_ value: T, to address: GuestAddress) throws(LinuxErrno) {
        let done = withUnsafeBytes(of: value) { FallibleCopy.write($0, to: address) == $0.count }
        if !done { throw .EFAULT }
    }

    package static func readBytes(_ address: GuestAddress, count: Int) throws(LinuxErrno) -> [UInt8] {
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            initialized = FallibleCopy.read(address, into: UnsafeMutableRawBufferPointer(buffer))
        }
        if bytes.count != count { throw .EFAULT }
        return bytes
    }

    package static func write(_ bytes: [UInt8], to address: GuestAddress) throws(LinuxErrno) {
        let done = bytes.withUnsafeBytes { FallibleCopy.write($0, to: address) == $0.count }
        if !done { throw .EFAULT }
    }

    /// Reads a NUL-terminated string without its NUL.
    /// - Throws: ENAMETOOLONG when there is no NUL in the first `limit` bytes.
    package static func readString(_ address: GuestAddress, limit: Int = 4096) throws(LinuxErrno) -> [UInt8] {
        var result: [UInt8] = []
        var at = address
        while result.count < limit {
            // Never across a page: the next one may be absent although the string ends in this one.
            let step = min(Int(guestPageSize - at % guestPageSize), 256, limit - result.count)
            let part = try readBytes(at, count: step)
            if let end = part.firstIndex(of: 0) { return result + part[..<end] }
            result += part
            at &+= UInt64(step)
        }
        throw .ENAMETOOLONG
    }

    /// Reads a NULL-terminated array of strings (argv, envp); a NULL array is empty.
    /// - Throws: E2BIG beyond `byteLimit` bytes of strings and pointers.
    package static func readStringArray(
        _ address: GuestAddress, byteLimit: Int = 2 << 20
    ) throws(LinuxErrno) -> [[UInt8]] {
        if address == 0 { return [] }
        var result: [[UInt8]] = []
        var bytes = 0
        var at = address
        while true {
            let pointer = try read(at, as: UInt64.self)
            if pointer == 0 { return result }
            let text: [UInt8]
            do throws(LinuxErrno) {
                text = try readString(pointer, limit: 128 << 10)
            } catch {
                throw error == .ENAMETOOLONG ? .E2BIG : error
            }
            bytes += text.count + 9
            if bytes > byteLimit { throw .E2BIG }
            result.append(text)
            at &+= 8
        }
    }
}

/// A guest structure as bytes with fields at ABI offsets, host-endian like the guest.
struct GuestRecord {
    private(set) var bytes: [UInt8]

    init(size: Int) { bytes = [UInt8](repeating: 0, count: size) }
    init(_ bytes: [UInt8]) { self.bytes = bytes }

    subscript<T: FixedWidthInteger & BitwiseCopyable>(offset: Int, as type: T.Type) -> T {
        get { bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: T.self) } }
        set { bytes.withUnsafeMutableBytes { $0.storeBytes(of: newValue, toByteOffset: offset, as: T.self) } }
    }
}
