import CodeCache
import Glibc
import Testing

/// The format of the cache's files: what goes in comes out, and nothing that was damaged does harm.
@Suite struct CodeFileTests {
    static let configuration = Array("made for this test\n".utf8)
    static let base: UInt64 = 0x3000_0000_0000

    static func key(_ n: Int, variant: UInt32 = 0) -> CodeEntryKey {
        CodeEntryKey(pc: base + UInt64(n) * 16, base: base, variant: variant)!
    }

    /// Appends an entry whose parts all depend on `n` and `salt`.
    static func append(_ n: Int, salt: UInt32 = 0, to entries: inout NewEntries) {
        let words = (0..<UInt32(1 + n % 5)).map { $0 &* 0x9e37_79b9 ^ UInt32(n) ^ salt }
        let code = (0..<64 + n % 100).map { UInt8(truncatingIfNeeded: $0 &* 7 ^ n ^ Int(salt)) }
        let relocations: [UInt32] = [8 << 2, 24 << 2 | 1]
        let faults: [UInt64] = [UInt64(n)]
        var parts = CodeEntry.Parts()
        parts.pc = base + UInt64(n) * 16
        parts.jumps = ((4, 40), n % 2 == 0 ? nil : (12, 50))
        parts.targets = (parts.pc + 64, 0)
        if n % 3 == 0 { parts.indirectTargets = (0x7f12_3456_7890, .max) }
        parts.instrumentation = n % 4 == 0 ? (0..<UInt8(n % 50)).map { $0 ^ 3 } : []
        parts.adjustments = n % 7 == 0 ? [(1, 2, 3, 4)] : []
        words.withUnsafeBufferPointer { words in
            code.withUnsafeBytes { code in
                relocations.withUnsafeBytes { relocations in
                    faults.withUnsafeBytes { faults in
                        parts.words = words
                        parts.code = code
                        parts.relocations = relocations
                        parts.faults = faults
                        #expect(entries.append(key(n), parts) != nil)
                    }
                }
            }
        }
    }

    static func check(_ entry: CodeEntry?, _ n: Int, salt: UInt32 = 0) {
        guard let entry else {
            Issue.record("entry \(n) is missing")
            return
        }
        let pc = base + UInt64(n) * 16
        #expect(entry.instructionCount == 1 + n % 5 && entry.words.count == entry.instructionCount * 4)
        #expect(entry.words.loadUnaligned(as: UInt32.self) == UInt32(n) ^ salt)
        #expect(entry.code.elementsEqual((0..<64 + n % 100).map { UInt8(truncatingIfNeeded: $0 &* 7 ^ n ^ Int(salt)) }))
        #expect(entry.relocationCount == 2 && entry.relocation(1) == 24 << 2 | 1)
        #expect(entry.faultCount == 1 && entry.faults.loadUnaligned(as: UInt64.self) == UInt64(n))
        #expect(entry.jump(0)?.distance == 4 && entry.jump(0)?.slow == 40 && (entry.jump(1) == nil) == (n % 2 == 0))
        #expect(entry.target(0, from: pc) == pc + 64 && entry.target(1, from: pc) == 0)
        #expect(entry.indirectTargets.0 == (n % 3 == 0 ? 0x7f12_3456_7890 : .max) && entry.indirectTargets.1 == .max)
        #expect(entry.instrumentation.elementsEqual(n % 4 == 0 ? (0..<UInt8(n % 50)).map { $0 ^ 3 } : []))
        #expect(entry.adjustmentCount == (n % 7 == 0 ? 1 : 0))
        if n % 7 == 0 { #expect(entry.adjustment(0) == (1, 2, 3, 4)) }
    }

    static func bytes(_ count: Int, salt: UInt32 = 0, with old: CodeFile? = nil) throws -> [UInt8] {
        var entries = NewEntries(MemoryPool())
        for n in 0..<count { append(n, salt: salt, to: &entries) }
        return try #require(entries.file(with: old, configuration: configuration))
    }

    static func open(_ bytes: [UInt8], configuration: [UInt8] = configuration) throws(CodeFile.Damage) -> CodeFile {
        let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 16)
        copy.copyBytes(from: bytes)
        return try CodeFile(UnsafeRawBufferPointer(copy), configuration: configuration, MemoryPool())
    }

    @Test func givesBackWhatWasPutIn() throws {
        let file = try Self.open(try Self.bytes(2000))
        #expect(file.entryCount == 2000)
        for n in 0..<2000 { Self.check(file.find(Self.key(n)), n) }
        #expect(file.find(Self.key(2000)) == nil && file.find(Self.key(7, variant: 1)) == nil && !file.isDamaged)
    }

    /// What is added to a file is found beside what was in it; of two entries with one key the newer.
    @Test func mergesWithAnOlderFile() throws {
        let old = try Self.open(try Self.bytes(1000))
        var entries = NewEntries(MemoryPool())
        for n in 900..<1100 { Self.append(n, salt: 5, to: &entries) }
        Self.append(1099, salt: 6, to: &entries)
        let file = try Self.open(try #require(entries.file(with: old, configuration: Self.configuration)))
        #expect(file.entryCount == 1100)
        for n in 0..<900 { Self.check(file.find(Self.key(n)), n) }
        for n in 900..<1099 { Self.check(file.find(Self.key(n)), n, salt: 5) }
        Self.check(file.find(Self.key(1099)), 1099, salt: 6)
        // When most has changed, what has not is dropped.
        let other = try Self.open(try Self.bytes(600, salt: 9, with: file))
        #expect(other.entryCount == 600)
    }

    @Test func refusesWhatIsNotItsOwn() throws {
        let bytes = try Self.bytes(10)
        #expect(throws: CodeFile.Damage.configuration) { try Self.open(bytes, configuration: Array("made for this tesT\n".utf8)) }
        #expect(throws: CodeFile.Damage.foreign) { try Self.open([]) }
        #expect(throws: CodeFile.Damage.foreign) { try Self.open(Array("something else, longer than a header".utf8)) }
        var version = bytes
        version[7] ^= 3
        #expect(throws: CodeFile.Damage.foreign) { try Self.open(version) }
    }

    /// Cut off anywhere, a file is refused.
    @Test func refusesTruncatedFiles() throws {
        let bytes = try Self.bytes(40)
        for length in 0..<bytes.count {
            #expect(throws: CodeFile.Damage.self) { try Self.open(Array(bytes[..<length])) }
        }
    }

    /// With any bit changed, a file is refused, or its entries are those that were put in, or missing.
    @Test func survivesChangedBits() throws {
        let bytes = try Self.bytes(40)
        var refused = 0
        var missing = 0
        for at in bytes.indices {
            var changed = bytes
            changed[at] ^= 1 << UInt8(at % 8)
            guard let file = try? Self.open(changed) else {
                refused += 1
                continue
            }
            for n in 0..<40 {
                if let entry = file.find(Self.key(n)) { Self.check(entry, n) } else { missing += 1 }
            }
            if missing > 0 { #expect(file.isDamaged || file.find(Self.key(0)) != nil) }
        }
        #expect(refused > 0 && missing > 0)
    }
}

/// The directory: whose files are used, how they are replaced, and how much there may be.
@Suite struct CodeDirectoryTests {
    private func withDirectory(_ body: (String) throws -> Void) throws {
        var template = Array("/tmp/needletail-cache-XXXXXX".utf8CString)
        let made = template.withUnsafeMutableBufferPointer { mkdtemp($0.baseAddress!).map { String(cString: $0) } }
        let path = try #require(made)
        defer {
            for name in ["a", "b", "c"] { for end in [".ntc", ".txt"] { unlink(path + "/cache/" + name + end) } }
            rmdir(path + "/cache")
            rmdir(path)
        }
        try body(path)
    }

    @Test func isFoundByOptionAndEnvironment() {
        let none: (String) -> String? = { _ in nil }
        #expect(
            CodeDirectory.path(directory: "x", variable: none) == "x" && CodeDirectory.path(directory: nil, variable: none) == nil)
        let both = ["XDG_CACHE_HOME": "/c", "HOME": "/h"]
        #expect(CodeDirectory.path(directory: nil) { both[$0] } == "/c/needletail")
        #expect(CodeDirectory.path(directory: nil) { ["HOME": "/h", "XDG_CACHE_HOME": "relative"][$0] } == "/h/.cache/needletail")
    }

    @Test func writesAndReadsFiles() throws {
        try withDirectory { path in
            #expect(CodeDirectory(path: path + "/cache", creates: false) == nil)
            let directory = try #require(CodeDirectory(path: path + "/cache"))
            var status = stat()
            #expect(stat(path + "/cache", &status) == 0 && status.st_mode & 0o777 == 0o700)
            #expect(directory.read("a") == nil && directory.version(of: "a") == nil)
            #expect(directory.write([1, 2, 3], as: "a"))
            #expect(stat(path + "/cache/a.ntc", &status) == 0 && status.st_mode & 0o777 == 0o600)
            let (bytes, version) = try #require(directory.read("a"))
            #expect(bytes.elementsEqual([1, 2, 3]) && directory.version(of: "a") == version)
            bytes.deallocate()
            #expect(directory.write([4], as: "a") && directory.version(of: "a") != version)
        }
    }

    /// What others may write to is not believed; a directory in a file's place is.
    @Test func refusesWhatOthersMayWriteTo() throws {
        try withDirectory { path in
            let directory = try #require(CodeDirectory(path: path + "/cache"))
            #expect(directory.write([1], as: "a"))
            chmod(path + "/cache/a.ntc", 0o620)
            #expect(directory.read("a") == nil)
            unlink(path + "/cache/a.ntc")
            mkdir(path + "/cache/a.ntc", 0o700)
            #expect(directory.read("a") == nil && directory.write([1], as: "a") && directory.read("a") != nil)
            symlink("a.ntc", path + "/cache/b.ntc")
            #expect(directory.read("b") == nil)
            chmod(path + "/cache", 0o770)
            #expect(CodeDirectory(path: path + "/cache") == nil)
        }
    }

    @Test func removesWhatWasUsedLongestAgo() throws {
        try withDirectory { path in
            let directory = try #require(CodeDirectory(path: path + "/cache"))
            for (name, age) in [("a", 3000), ("b", 1000), ("c", 2000)] {
                #expect(directory.write([UInt8](repeating: 0, count: 1000), as: name))
                var times = [timespec(tv_sec: time(nil) - age, tv_nsec: 0), timespec(tv_sec: time(nil) - age, tv_nsec: 0)]
                utimensat(AT_FDCWD, path + "/cache/\(name).ntc", &times, 0)
            }
            close(open(path + "/cache/a.txt", O_CREAT | O_WRONLY, 0o600))
            directory.shrink(to: 2000)
            #expect(directory.version(of: "a") == nil && directory.version(of: "b") != nil && directory.version(of: "c") != nil)
            #expect(directory.statistics() == (files: 2, bytes: 2000, entries: 0, unreadable: 2))
            #expect(directory.clear() == 2 && access(path + "/cache/a.txt", F_OK) == 0)
        }
    }
}
