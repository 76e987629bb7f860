package import A64ISA
package import EmuIR

/// What an instruction's semantics say about the TB they stand in.
package enum TranslationStep: Sendable {
    /// The TB goes on with the next instruction.
    case next
    /// The semantics emitted the terminator.
    case ended
}

/// Everything beside PC and guest bytes that decides what a TB means. The engine makes it part of the TB key or flushes
/// when it changes.
package struct TranslationConfig: Sendable {
    /// Instruction-set features of the emulated CPU; an encoding whose feature is off is UNDEFINED.
    package var features: A64FeatureSet
    /// Values that EL0 reads from ID and identification registers, by `SystemRegister` key (op0:op1:CRn:CRm:op2). Others of
    /// the ID space read as 0.
    package var idRegisters: [UInt16: UInt64]
    /// Most instructions in a TB, 1...512.
    package var instructionLimit: Int
    /// Top-byte-ignore is applied to each address (set once the guest is seen to use tagged addresses).
    package var cleansTags: Bool
    /// Plugins may look at single accesses: those of LD2 and LD4 are made one by one.
    package var observesElements = false
    /// Other threads or processes may see this one's accesses while they happen: pairs of registers are one access (FEAT_LSE2).
    package var isParallel = false
    /// There are guarded pages: indirect branches tell their BTYPE in the PC (`NT_TB_BTYPE_SHIFT`).
    package var tracksBranchTypes = false
    /// The TB's page is guarded (PROT_BTI).
    package var isGuarded = false

    package init(
        features: A64FeatureSet, idRegisters: [UInt16: UInt64]? = nil, instructionLimit: Int = 512,
        cleansTags: Bool = false
    ) {
        self.features = features
        self.idRegisters = idRegisters ?? features.idRegisters(midr: 0)
        self.instructionLimit = instructionLimit
        self.cleansTags = cleansTags
    }
}

/// Translates a straight run of A64 code to one IR block. One per translating thread; reused for many TBs.
///
/// A TB ends at a branch, an exception-raising or context-changing instruction, the end of a 4 KiB page, or after
/// `instructionLimit` instructions. Semantics are extensions in `Semantics/`, one function per encoding with the name of
/// its row in `A64ISA/Encodings`.
package struct Translator: ~Copyable {
    package var config: TranslationConfig
    package var ir: IRBuilder
    /// Address of the instruction being translated.
    package internal(set) var pc: UInt64 = 0
    /// Its word.
    package internal(set) var word: UInt32 = 0
    /// Encodings without semantics that were met since the caller last emptied this.
    package var unimplementedSeen: [A64Encoding] = []

    package init(config: TranslationConfig) {
        self.config = config
        self.ir = IRBuilder(pc: 0)
    }

    /// Translates the TB at `start`.
    ///
    /// - Parameter fetch: Reads the instruction word at an address; nil when it may not be executed. Called once for each
    ///   instruction of the TB, in order.
    /// - Returns: The block; when the very first fetch fails, one that raises an instruction abort (or a PC alignment
    ///   fault) and counts one instruction with word 0.
    package mutating func translate(
        at start: UInt64, flags: UInt32 = 0, fetch: (UInt64) -> UInt32?
    ) -> IRBlock {
        ir.reset(pc: start, flags: flags)
        pc = start
        if start & 3 != 0 {
            ir.insn(pc: start, word: 0)
            ir.raise(.pcAlignment, info: start, pc: start)
            return ir.block
        }
        var count = 0
        while true {
            guard let fetched = fetch(pc) else {
                if count == 0 {
                    ir.insn(pc: start, word: 0)
                    ir.raise(.instructionAbort, info: start, pc: start)
                } else {
                    ir.chain(pc)
                }
                return ir.block
            }
            word = fetched
            ir.insn(pc: pc, word: fetched)
            count += 1
            let branchType = Int(flags >> 1 & 3)
            if count == 1, branchType != 0, config.isGuarded, !acceptsBranch(fetched, branchType) {
                ir.raise(.branchTarget, info: UInt64(branchType), pc: pc)
                return ir.block
            }
            if case .ended = dispatch(fetched) { return ir.block }
            pc &+= 4
            if count >= config.instructionLimit || pc & 0xfff == 0 {
                ir.chain(pc)
                return ir.block
            }
        }
    }

    // MARK: Ways to end

    /// UNDEFINED: also for unallocated encodings and switched-off features.
    package mutating func undefined() -> TranslationStep {
        ir.raise(.undefined, info: UInt64(word), pc: pc)
        return .ended
    }

    /// Requires a feature; `undefined()` otherwise is the caller's to return.
    package func has(_ feature: A64Feature) -> Bool { config.features.contains(feature) }

    // MARK: Register access in the manual's terms

    /// `X[n, datasize]`: general-purpose register, 31 reads as zero.
    package mutating func X(_ n: Int, is64Bit: Bool = true) -> Value {
        if n == 31 { return ir.const(0, is64Bit ? .i64 : .i32) }
        let value = ir.get(.x(n))
        return is64Bit ? value : ir.trunc(value, .i32)
    }

    /// Writes `X[n]`; an i32 value is zero-extended; a write to 31 is dropped.
    package mutating func setX(_ n: Int, _ value: Value) {
        if n == 31 { return }
        let wide = ir.zext(value, .i64)
        ir.set(.x(n), wide)
    }

    /// As `X`, with 31 naming SP.
    package mutating func XSP(_ n: Int, is64Bit: Bool = true) -> Value {
        let value = ir.get(n == 31 ? .sp : .x(n))
        return is64Bit ? value : ir.trunc(value, .i32)
    }

    /// As `setX`, with 31 naming SP.
    package mutating func setXSP(_ n: Int, _ value: Value) {
        let wide = ir.zext(value, .i64)
        ir.set(n == 31 ? .sp : .x(n), wide)
    }

    /// `V[n, 128]`.
    package mutating func V(_ n: Int) -> Value { ir.get(.v(n)) }
    /// Bits 63:0 of `V[n]`.
    package mutating func D(_ n: Int) -> Value { ir.get(.vlo(n)) }
    /// Writes all of `V[n]`: an i32 or i64 value is zero-extended, as writes to S and D registers are.
    package mutating func setV(_ n: Int, _ value: Value) {
        let wide = ir.zext(value, .i128)
        ir.set(.v(n), wide)
    }

    /// The address a memory access uses: top byte ignored when the configuration asks for it.
    package mutating func address(_ value: Value) -> Value {
        guard config.cleansTags else { return value }
        return ir.sbfx(value, lsb: 0, width: 56)
    }
}
