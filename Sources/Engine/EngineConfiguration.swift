package import A64Translator
package import CodeCache
package import GuestMemory
package import GuestState
package import LLVMBackend

/// Which executors the engine uses.
package enum Tier: String, CaseIterable, Sendable {
    /// Tier 0 only.
    case interp
    /// Tier 1 from the first execution on; the vCPU waits for the compiler. For tests and benchmarks.
    case block
    /// Tier 1 by the baseline compiler from the first execution on, by LLVM where that has no code. For tests and benchmarks.
    case baseline
    /// Tier 0, and a region after two executions; the vCPU waits for the compiler. For tests.
    case region
    /// Tier 1 by the baseline compiler at once, regions from a background thread where the guest spends its time. Without that compiler,
    /// tier 0, and tier 1 by LLVM when a TB is hot.
    case auto
}

/// Everything the engine is told once, before the first vCPU exists.
package struct EngineConfiguration: Sendable {
    package var tier: Tier
    package var translation: TranslationConfig
    /// False: every TB returns to the run loop (`-d nochain`, `exec`, `cpu`).
    package var chains: Bool
    /// Executions of a tier-0 TB before it is compiled (`auto`, `region`).
    package var hotThreshold: Int32
    /// Microseconds before the first look at what the guest runs, and at least between two looks (`auto`); 0: no regions.
    package var sampleInterval: UInt64
    /// Threads that compile in the background at most (`auto`, `region`); nil: as many as processors are idle, up to a few.
    package var compileThreads: Int?
    /// Bytes of code of the baseline compiler; LLVM's may be half as many more. When there is no room for more, the oldest goes.
    package var codeLimit: Int
    /// Counts guest instructions in each vCPU for `--stats`.
    package var countsInstructions: Bool
    /// Names compiled code for Linux `perf`.
    package var perfFormats: PerfFormats
    /// Where code is kept from one process to the next; nil where nothing is.
    package var codeDirectory: CodeDirectory?

    /// What the baseline compiler takes for a TB is what some twenty executions in tier 0 take.
    package static func defaultHotThreshold(_ tier: Tier) -> Int32 { tier == .region ? 2 : 20 }
    /// A look costs up to a millisecond, a region tens of milliseconds of another thread.
    package static let defaultSampleInterval: UInt64 = 8000
    package static let defaultCodeLimit = 128 << 20
    /// So that each jump reaches all code.
    package static let greatestCodeLimit = 1024 << 20

    package init(
        tier: Tier, translation: TranslationConfig, chains: Bool = true,
        hotThreshold: Int32? = nil, sampleInterval: UInt64 = EngineConfiguration.defaultSampleInterval,
        compileThreads: Int? = nil, codeLimit: Int = EngineConfiguration.defaultCodeLimit, countsInstructions: Bool = false,
        perfFormats: PerfFormats = [],
        codeDirectory: CodeDirectory? = nil
    ) {
        self.codeDirectory = codeDirectory
        self.perfFormats = perfFormats
        self.tier = tier
        self.translation = translation
        self.chains = chains
        self.hotThreshold = hotThreshold ?? Self.defaultHotThreshold(tier)
        self.sampleInterval = sampleInterval
        self.compileThreads = compileThreads
        self.codeLimit = codeLimit
        self.countsInstructions = countsInstructions
    }
}

/// What surrounds the guest processor: Linux user mode now, a machine later. The engine knows no syscall.
///
/// Threads: `fetch` from any thread; the others on the vCPU's own thread, outside generated code, with exact registers.
package protocol GuestEnvironment: AnyObject, Sendable {
    /// The instruction word at a 4-byte aligned address; nil when it is not mapped executable.
    func fetch(_ pc: UInt64) -> UInt32?
    /// Instruction words from a 4-byte aligned address on, as many as fit, of its page only.
    /// - Returns: how many there are; 0 when the page is not mapped executable.
    func fetch(_ pc: UInt64, into words: UnsafeMutableBufferPointer<UInt32>) -> Int
    /// Whether the page of an address is guarded: indirect branches must find landing pads there. Any thread.
    func isGuarded(_ pc: UInt64) -> Bool
    /// A guest exception ended a TB; see CHost's `nt_exception` for the PC and `info`.
    func handle(_ kind: GuestExceptionKind, info: UInt64, on vcpu: VCPU) -> VCPUAction
    /// A guest memory access faulted; `cpu->pc` is the accessing instruction.
    func handleFault(_ fault: HostFault, on vcpu: VCPU) -> VCPUAction
    /// An exit request was seen: deliver what is pending.
    func deliverPending(on vcpu: VCPU) -> VCPUAction
    /// The file whose code is at an address, if it will be there in other processes, too. Any thread.
    func image(at pc: UInt64) -> (number: Int, image: GuestImage)?
    /// Name of the function at an address, for dumps and plugins.
    func symbol(at pc: UInt64) -> String?
}

extension GuestEnvironment {
    package func isGuarded(_ pc: UInt64) -> Bool { false }
    package func image(at pc: UInt64) -> (number: Int, image: GuestImage)? { nil }

    package func fetch(_ pc: UInt64, into words: UnsafeMutableBufferPointer<UInt32>) -> Int {
        guard let word = fetch(pc) else { return 0 }
        words[0] = word
        return 1
    }
}

/// A host signal that a guest access raised, as the guest is to see it.
package struct HostFault: Sendable {
    /// SIGSEGV, and two of its codes: SI_KERNEL stands for an address that is none, SEGV_MAPERR for one without mapping.
    static let segmentation: Int32 = 11
    static let kernelCode: Int32 = 0x80
    static let notMapped: Int32 = 1

    package let signal: Int32
    package let code: Int32
    package let address: UInt64
}
