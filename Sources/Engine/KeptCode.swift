internal import A64ISA
internal import Baseline
internal import CHost
internal import CodeCache
internal import EmuIR
internal import Glibc
internal import GuestMemory
internal import IRPasses
internal import Support

/// Baseline code of other processes for this one, and of this one for later ones: a file for each image, and what is new.
///
/// An entry is used when its guest instructions are those in memory, its translation mode is the guest's, and the file was made by this
/// executable for such a host and with such options. Whatever is wrong with a file, the guest runs as if there were none.
///
/// Threads: any. The lock is a leaf.
final class KeptCode: @unchecked Sendable {
    // @unchecked: everything below `lock` is guarded by it.
    private let directory: CodeDirectory
    private unowned let environment: any GuestEnvironment
    private let log: Log
    /// All that the code depends on, beside image and TB.
    private let configuration: [UInt8]
    private let lock = Lock()
    /// By the environment's number; nil where no code was wanted yet.
    private var images: [Image?] = []
    /// Files that are not looked into any more.
    private var replaced: [CodeFile] = []
    private let pool = MemoryPool()
    private var usedCount = 0
    private var writtenCount = 0
    private var newBytes = 0

    /// Bytes of all files of the directory.
    private static let directoryLimit = 512 << 20
    /// Bytes of new entries at most.
    private static let newLimit = 64 << 20
    /// What is too little to be written: entries, and one in how many that there are.
    private static let smallestAddition = 32
    private static let smallestShare = 64

    private final class Image {
        let image: GuestImage
        let name: String
        let configuration: [UInt8]
        var file: CodeFile?
        var version: CodeDirectory.Version?
        var isLoaded = false
        var new: NewEntries

        init(_ image: GuestImage, _ configuration: [UInt8], _ pool: MemoryPool) {
            new = NewEntries(pool)
            self.image = image
            let text =
                "file \(image.device) \(image.inode) \(image.size) \(image.modification) \(image.change) at \(image.base)\n"
            self.configuration = configuration + Array(text.utf8)
            name = Self.hash(self.configuration)
        }

        /// FNV-1a. Two texts with one name only drive each other out.
        private static func hash(_ text: [UInt8]) -> String {
            let value = text.reduce(0xcbf2_9ce4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
            return String(hex(value, width: 16).dropFirst(2))
        }
    }

    /// - Returns: nil when this executable cannot be told from others.
    /// - Parameter plugins: what plugins there are; nil when they cannot be told from others.
    init?(
        _ directory: CodeDirectory, _ configuration: EngineConfiguration, plugins: [String]?, environment: any GuestEnvironment,
        log: Log
    ) {
        guard let plugins, let text = Self.text(configuration, plugins) else { return nil }
        self.directory = directory
        self.environment = environment
        self.log = log
        self.configuration = text
    }

    private static func text(_ configuration: EngineConfiguration, _ plugins: [String]) -> [UInt8]? {
        var bytes: UnsafePointer<UInt8>?
        let count = nt_build_id(&bytes)
        guard count > 0, let bytes else { return nil }
        let translation = configuration.translation
        let registers = translation.idRegisters.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
        let lines =
            [
                "build " + (0..<count).map { String(bytes[$0], radix: 16) }.joined(separator: " "),
                "host \(nt_host_instructions())",
                "cpu \(translation.features.number) \(registers.joined(separator: " "))",
                "limit \(translation.instructionLimit) elements \(translation.observesElements)",
                "tier \(configuration.tier) chains \(configuration.chains) counts \(configuration.countsInstructions)",
            ] + plugins.map { "plugin \($0)" }
        return Array(lines.map { $0 + "\n" }.joined().utf8)
    }

    private static func variant(_ key: TBKey, _ mode: TranslationMode) -> UInt32 {
        let bits = [
            mode.isParallel, mode.cleansTags, mode.tracksBranchTypes, mode.isGuarded, mode.collectsFPFlags,
        ].enumerated().reduce(0 as UInt32) {
            $0 | ($1.element ? 1 : 0) << UInt32($1.offset)
        }
        return key.flags << 5 | bits
    }

    // MARK: Taking

    /// - Returns: an entry whose guest code is what is in memory now; valid to the end of the process.
    func find(_ key: TBKey, _ mode: TranslationMode) -> CodeEntry? {
        guard key.flags < 1 << UInt32(NT_TB_FLAG_BITS), let (number, image) = environment.image(at: key.pc),
            let entryKey = CodeEntryKey(pc: key.pc, base: image.base, variant: Self.variant(key, mode))
        else { return nil }
        let entry = lock.withLock { () -> CodeEntry? in
            guard let file = self.image(number, image).file else { return nil }
            let wasDamaged = file.isDamaged
            let entry = file.find(entryKey)
            if file.isDamaged, !wasDamaged { log.write(.cache, "code cache: a file is damaged\n") }
            return entry
        }
        guard let entry, isCurrent(entry, key) else { return nil }
        return entry
    }

    /// An entry that was found runs.
    func noteUse() { lock.withLock { usedCount += 1 } }

    /// Whether guest memory has the entry's instructions.
    private func isCurrent(_ entry: CodeEntry, _ key: TBKey) -> Bool {
        let words = entry.words
        let count = entry.instructionCount
        // In one page, as every TB.
        guard Int(key.pc & 4095) + count * 4 <= 4096 else { return false }
        return withUnsafeTemporaryAllocation(of: UInt32.self, capacity: count) { buffer in
            environment.fetch(key.pc, into: buffer) == count
                && memcmp(buffer.baseAddress!, words.baseAddress!, count * 4) == 0
        }
    }

    /// The lock is held.
    private func image(_ number: Int, _ image: GuestImage) -> Image {
        while images.count <= number { images.append(nil) }
        if let known = images[number] { return known }
        let new = Image(image, configuration, pool)
        images[number] = new
        load(new)
        return new
    }

    private func load(_ image: Image) {
        image.file = nil
        image.version = nil
        guard let (bytes, version) = directory.read(image.name) else { return }
        do throws(CodeFile.Damage) {
            image.file = try CodeFile(bytes, configuration: image.configuration, pool)
            image.version = version
        } catch {
            log.write(.cache, "code cache: file \(image.name) is not used: \(error)\n")
        }
    }

    // MARK: Keeping

    /// Notes new code.
    func keep(
        _ code: UnsafeRawBufferPointer, of block: IRBlock, _ tb: TranslationBlock, _ mode: TranslationMode,
        _ compiler: borrowing BaselineCompiler
    ) {
        let key = tb.key
        guard let shape = InstrumentationShape(tb.instrumentation), key.flags < 1 << UInt32(NT_TB_FLAG_BITS),
            let (number, image) = environment.image(at: key.pc),
            let entryKey = CodeEntryKey(pc: key.pc, base: image.base, variant: Self.variant(key, mode))
        else { return }
        var parts = CodeEntry.Parts()
        parts.code = code
        parts.instrumentation = shape.bytes
        for adjustment in tb.faultAdjustments {
            parts.adjustments.append(
                (
                    UInt32(adjustment.first), UInt32(adjustment.instruction), shape.kept(adjustment.offset), adjustment.amount
                ))
        }
        parts.jumps = (
            compiler.slotJumps.0.map { ($0.distance, $0.slow) }, compiler.slotJumps.1.map { ($0.distance, $0.slow) }
        )
        parts.pc = key.pc
        parts.targets = (tb.slot(0).pointee.pc, tb.slot(1).pointee.pc)
        parts.indirectTargets = tb.c.pointee.indirect_targets
        let relocations = compiler.relocations
        let numbers = shape.numbers(tbIndex: tb.c.pointee.tb_index, tbAddress: UInt(bitPattern: tb.c))
        lock.withLock {
            let image = self.image(number, image)
            guard newBytes < Self.newLimit else { return }
            let before = image.new.byteCount
            withUnsafeTemporaryAllocation(of: UInt32.self, capacity: block.guestInstructionCount) { words in
                relocations.withUnsafeBytes { places in
                    compiler.faultTable.withUnsafeBytes { faults in
                        block.copyWords(to: words)
                        parts.words = UnsafeBufferPointer(words)
                        parts.relocations = places
                        parts.faults = faults
                        guard let memory = image.new.append(entryKey, parts) else { return }
                        for relocation in relocations where !relocation.clear(in: memory, numbers) {
                            // A number that stands for nothing a plugin has registered: none is known, but then it cannot be kept.
                            return image.new.removeLast()
                        }
                    }
                }
            }
            newBytes += image.new.byteCount - before
        }
    }

    /// Writes what is new, as far as it is worth it.
    func save() {
        // A signal would end the process in the middle, or the guest's timer end it otherwise than by `exit`.
        var all = sigset_t()
        var before = sigset_t()
        sigfillset(&all)
        pthread_sigmask(SIG_SETMASK, &all, &before)
        defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
        lock.withLock {
            var hasWritten = false
            for case let image? in images where image.new.count >= Self.smallestAddition {
                if let file = image.file, image.new.count * Self.smallestShare < file.entryCount, !file.isDamaged { continue }
                if save(image) { hasWritten = true }
            }
            if hasWritten { directory.shrink(to: Self.directoryLimit) }
        }
    }

    private func save(_ image: Image) -> Bool {
        if directory.version(of: image.name) != image.version {
            // Another process has written meanwhile. Entries that were found in the old file may be in use.
            if let old = image.file { replaced.append(old) }
            load(image)
        }
        guard let bytes = image.new.file(with: image.file, configuration: image.configuration) else { return false }
        guard directory.write(bytes, as: image.name) else {
            log.write(.cache, "code cache: file \(image.name) cannot be written\n")
            return false
        }
        writtenCount += image.new.count
        image.new.removeAll()
        return true
    }

    // MARK: fork

    func stop() { lock.lock() }
    func resume() { lock.unlock() }
    /// What is new is the parent's to write.
    func resumeInForkChild() {
        for case let image? in images { image.new.removeAll() }
        lock.reinitialiseAfterFork()
    }

    /// Files read, TBs taken, TBs written.
    var counts: (files: Int, used: Int, written: Int) {
        lock.withLock { (images.count { $0?.file != nil }, usedCount, writtenCount) }
    }
}
