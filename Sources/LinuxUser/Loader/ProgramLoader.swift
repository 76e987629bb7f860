internal import CHost
internal import Glibc
package import GuestMemory

/// A program in guest memory.
package struct LoadedProgram: Sendable {
    /// Where the guest starts: the program's entry, or its interpreter's.
    package let start: GuestAddress
    /// AT_ENTRY: the program's own entry.
    package let entry: GuestAddress
    /// Added to the image's addresses.
    package let bias: UInt64
    /// AT_BASE; 0 without an interpreter.
    package let interpreterBase: GuestAddress
    package let programHeaderAddress: GuestAddress
    package let programHeaderCount: Int
    /// From the lowest executable segment to the end of the highest: what plugins are told as the program's code.
    package let code: Range<GuestAddress>
    /// From the lowest writable segment to the end of the highest's part in the file; empty without any.
    package let data: Range<GuestAddress>
    /// First page after the image.
    package let initialBreak: GuestAddress
    package let wantsExecutableStack: Bool
}

/// Maps ELF images into guest memory and records them.
struct ProgramLoader {
    let addressSpace: AddressSpace
    /// `-L`, for the interpreter's path.
    let sysroot: [UInt8]
    /// The guest processor has FEAT_BTI.
    var hasBranchTargets = false

    /// Where the kernel puts static-pie programs (QEMU the same); leaves room for the break above.
    private static let positionIndependentBase: UInt64 = 0x55_0000_0000

    /// An `ELFSource` over a descriptor that its owner keeps open.
    struct DescriptorSource: ELFSource {
        let descriptor: Int32
        let size: UInt64

        init(descriptor: Int32) {
            self.descriptor = descriptor
            var status = stat()
            size = fstat(descriptor, &status) == 0 ? UInt64(max(0, status.st_size)) : 0
        }

        func read(at offset: UInt64, count: Int) throws(ELFError) -> [UInt8] {
            var bytes = [UInt8](repeating: 0, count: count)
            let done = bytes.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress, $0.count, off_t(offset)) }
            guard done == count else { throw .truncated("offset \(offset)") }
            return bytes
        }
    }

    /// - Parameter descriptor: the program's file when it is open already, else -1. Stays open.
    func load(_ path: [UInt8], descriptor: Int32 = -1) throws(LoadError) -> LoadedProgram {
        let (program, image) = try loadImage(path, descriptor: descriptor, base: Self.positionIndependentBase)
        guard let interpreterPath = image.interpreter else { return program }
        let resolved = SysrootPath.resolve(interpreterPath, sysroot: sysroot) ?? interpreterPath
        let (interpreter, interpreterImage): (LoadedProgram, ELFImage)
        do throws(LoadError) {
            (interpreter, interpreterImage) = try loadImage(resolved)
        } catch {
            throw .interpreter(of: path, error)
        }
        return LoadedProgram(
            start: interpreter.entry, entry: program.entry, bias: program.bias,
            interpreterBase: interpreter.bias &+ interpreterImage.span.lowerBound,
            programHeaderAddress: program.programHeaderAddress, programHeaderCount: program.programHeaderCount,
            code: program.code, data: program.data, initialBreak: program.initialBreak,
            wantsExecutableStack: program.wantsExecutableStack)
    }

    /// Opens `path` as execve would: a regular file with execute permission.
    private static func openExecutable(_ path: [UInt8]) throws(LinuxErrno) -> HostFile {
        let file = try HostFile(reading: path)
        var status = stat()
        guard fstat(file.descriptor, &status) == 0 else { throw .last }
        guard status.st_mode & S_IFMT == S_IFREG else { throw .EACCES }
        _ = try withCString(path) { (p) throws(LinuxErrno) in
            try hostCall(CallNumber.faccessat2, atCurrentDirectory, p, UInt64(X_OK), UInt64(AT_EACCESS))
        }
        return file
    }

    /// - Parameter base: nil for the place that is the file's own.
    private func loadImage(_ path: [UInt8], descriptor: Int32 = -1, base: UInt64? = nil) throws(LoadError) -> (
        LoadedProgram, ELFImage
    ) {
        let file: HostFile
        do throws(LinuxErrno) {
            file = descriptor >= 0 ? try HostFile(copying: descriptor) : try Self.openExecutable(path)
        } catch {
            throw .file(path, error)
        }
        let image: ELFImage
        do throws(ELFError) {
            image = try ELFImage(DescriptorSource(descriptor: file.descriptor))
        } catch {
            throw error.kind == .notELF ? .file(path, .ENOEXEC) : .image(path, error)
        }
        let bias: UInt64
        do throws(LinuxErrno) {
            let own = GuestImage(descriptor: file.descriptor, base: 0)
            bias = try map(image, file, base: base ?? own?.preferredAddress(length: UInt64(image.span.count)) ?? 0)
        } catch {
            if error == .EEXIST { throw .addressTaken(path, image.span) }
            throw .memory(path, "its segments", error)
        }
        let executable = image.segments.filter { $0.protection.contains(.execute) }
        let codeStart = executable.map(\.memory.lowerBound).min() ?? image.span.lowerBound
        let codeEnd = executable.map { $0.memory.lowerBound + $0.fileSize }.max() ?? codeStart
        let writable = image.segments.filter { $0.protection.contains(.write) }
        let dataStart = writable.map(\.memory.lowerBound).min() ?? 0
        let dataEnd = writable.map { $0.memory.lowerBound + $0.fileSize }.max() ?? 0
        let program = LoadedProgram(
            start: image.entry &+ bias, entry: image.entry &+ bias, bias: bias, interpreterBase: 0,
            programHeaderAddress: image.programHeaderAddress == 0 ? 0 : image.programHeaderAddress &+ bias,
            programHeaderCount: image.programHeaderCount,
            code: codeStart &+ bias..<max(codeEnd, codeStart) &+ bias,
            data: dataStart &+ bias..<max(dataEnd, dataStart) &+ bias, initialBreak: image.span.upperBound &+ bias,
            wantsExecutableStack: image.wantsExecutableStack)
        return (program, image)
    }

    /// - Returns: the load bias.
    private func map(_ image: ELFImage, _ file: borrowing HostFile, base: UInt64) throws(LinuxErrno) -> UInt64 {
        let length = UInt64(image.span.count)
        let start = try reserve(image, length: length, base: base)
        let bias = start &- image.span.lowerBound
        let reserved = start..<start + length
        do throws(LinuxErrno) {
            for segment in image.segments { try map(segment, file, bias: bias) }
        } catch {
            _ = try? hostCall(CallNumber.munmap, start, length)
            throw error
        }
        // Holes between segments stay free, as after the kernel's loader.
        let segments = image.segments
        // An interpreter guards the pages of what it loads by itself.
        let isGuarded = hasBranchTargets && image.hasLandingPads && image.interpreter == nil
        let numbers = segments.map { number(of: $0, file, bias: bias) }
        let holes = addressSpace.withMap { map in
            for (segment, number) in zip(segments, numbers) {
                let range = segment.pages.lowerBound &+ bias..<segment.pages.upperBound &+ bias
                var protection = segment.protection
                if isGuarded, protection.contains(.execute) { protection.insert(.guarded) }
                map.insert(VMA(range: range, protection: protection, image: number))
            }
            return map.gaps(in: reserved)
        }
        for hole in holes { try hostCall(CallNumber.munmap, hole.lowerBound, UInt64(hole.count)) }
        return bias
    }

    /// For the record: which file's code it is.
    private func number(of segment: ELFImage.Segment, _ file: borrowing HostFile, bias: UInt64) -> UInt32 {
        let start = segment.memory.lowerBound &+ bias
        guard segment.protection.contains(.execute), start < GuestImage.firstRandomAddress,
            let image = GuestImage(descriptor: file.descriptor, base: start &- segment.fileOffset)
        else { return 0 }
        return addressSpace.register(image)
    }

    private func reserve(_ image: ELFImage, length: UInt64, base: UInt64) throws(LinuxErrno) -> UInt64 {
        let flags = UInt64(MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE)
        let fixed = flags | UInt64(MAP_FIXED_NOREPLACE)
        let none = UInt64(PROT_NONE)
        let noFile = UInt64.max
        func tryAt(_ start: UInt64) throws(LinuxErrno) -> UInt64 {
            let got = try hostCall(CallNumber.mmap, start, length, none, fixed, noFile)
            if got == start { return got }
            // A kernel before 4.17 takes the address as a hint.
            try hostCall(CallNumber.munmap, got, length)
            throw .EEXIST
        }
        if !image.isPositionIndependent { return try tryAt(image.span.lowerBound) }
        let alignment = image.segments.map(\.alignment).max() ?? guestPageSize
        if base != 0 {
            do throws(LinuxErrno) {
                return try tryAt((base &+ alignment &- 1) & ~(alignment &- 1))
            } catch {}
        }
        // Anywhere: take more than needed and give back what surrounds an aligned start.
        let total = length + alignment
        let got = try hostCall(CallNumber.mmap, 0, total, none, flags, noFile)
        let start = (got &+ alignment &- 1) & ~(alignment &- 1)
        if start > got { try hostCall(CallNumber.munmap, got, start - got) }
        let tail = got + total - (start + length)
        if tail > 0 { try hostCall(CallNumber.munmap, start + length, tail) }
        return start
    }

    private func map(
        _ segment: ELFImage.Segment, _ file: borrowing HostFile, bias: UInt64
    ) throws(LinuxErrno) {
        let host = UInt64(HostProtection.bits(segment.protection))
        let start = segment.memory.lowerBound &+ bias
        let pageStart = start.pageRoundedDown
        let fileEnd = start &+ segment.fileSize
        let pagesEnd = segment.pages.upperBound &+ bias
        var anonymousStart = pageStart
        if segment.fileSize > 0 {
            anonymousStart = fileEnd.pageRoundedUp
            let head = start &- pageStart
            try hostCall(
                CallNumber.mmap, pageStart, anonymousStart &- pageStart, host, UInt64(MAP_PRIVATE | MAP_FIXED),
                UInt64(file.descriptor), segment.fileOffset &- head)
            // To the end of the page, as the kernel does: glibc's loader takes its first memory from behind its bss.
            let hasZeroes = segment.fileSize < UInt64(segment.memory.count)
            if hasZeroes, fileEnd < anonymousStart { try zero(fileEnd..<anonymousStart, protection: host) }
        }
        if anonymousStart < pagesEnd {
            try hostCall(
                CallNumber.mmap, anonymousStart, pagesEnd &- anonymousStart, host,
                UInt64(MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS | MAP_NORESERVE), .max)
        }
    }

    /// Clears the part of a file-backed page that belongs to the bss.
    private func zero(_ range: Range<UInt64>, protection: UInt64) throws(LinuxErrno) {
        let page = range.lowerBound.pageRoundedDown
        let writable = protection & UInt64(PROT_WRITE) != 0
        if !writable { try hostCall(CallNumber.mprotect, page, guestPageSize, UInt64(PROT_READ | PROT_WRITE)) }
        try UserMemory.write([UInt8](repeating: 0, count: range.count), to: range.lowerBound)
        if !writable { try hostCall(CallNumber.mprotect, page, guestPageSize, protection) }
    }
}

enum HostProtection {
    /// The host's bits for a guest protection: never execute, and readable where the guest may execute, because the
    /// translator reads the code.
    static func bits(_ protection: PageProtection) -> Int32 {
        var bits = PROT_NONE
        if protection.contains(.read) || protection.contains(.execute) { bits |= PROT_READ }
        if protection.contains(.write) { bits |= PROT_WRITE }
        return bits
    }
}
