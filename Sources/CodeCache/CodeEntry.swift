/// What names an entry in the file of its image: where its guest code is and all that changes what was made of it.
package struct CodeEntryKey: Hashable, Comparable, Sendable {
    /// The guest PC's distance from the image's base above, the variant below: sorted by it, neighbours are neighbours in the guest.
    let bits: UInt64

    /// - Returns: nil when the PC is too far from the base.
    package init?(pc: UInt64, base: UInt64, variant: UInt32) {
        guard pc >= base, pc - base <= UInt64(UInt32.max) else { return nil }
        bits = (pc - base) << 32 | UInt64(variant)
    }
    init(bits: UInt64) { self.bits = bits }

    package static func < (a: CodeEntryKey, b: CodeEntryKey) -> Bool { a.bits < b.bits }
}

/// The code of one TB as it is kept: bytes in the memory of a file, or on the way there.
///
/// All numbers are little-endian. Whoever reads one of a file relies on nothing: `init` checks that all parts are inside, the
/// reader checks what it does with them.
package struct CodeEntry {
    /// Where the jump of a slot is: offsets of its distance, and of where it leads at first.
    package typealias Jump = (distance: Int, slow: Int)
    /// What a fault in mid-TB takes back; see `FaultAdjustment`.
    package typealias Adjustment = (first: UInt32, instruction: UInt32, offset: UInt64, amount: UInt64)

    private let bytes: UnsafeRawBufferPointer
    package let instructionCount: Int
    package let relocationCount: Int
    package let faultCount: Int
    package let adjustmentCount: Int
    private let codeSize: Int
    private let instrumentationSize: Int
    private let wordsAt: Int

    private static let headerSize = 36
    /// Bit of the flags: the header is followed by `indirectTargets`.
    private static let hasIndirectTargets: UInt16 = 1
    private static let indirectSize = 16
    /// A distance that stands for no target.
    private static let noTarget = Int32.min
    private static let faultSize = 8
    private static let adjustmentSize = 24
    private static let noJump: UInt16 = .max

    private var relocationsAt: Int { wordsAt + instructionCount * 4 }
    private var faultsAt: Int { relocationsAt + relocationCount * 4 }
    private var adjustmentsAt: Int { faultsAt + faultCount * Self.faultSize }
    private var codeAt: Int { adjustmentsAt + adjustmentCount * Self.adjustmentSize }

    /// Reads what begins at the start of `memory`.
    /// - Returns: nil when it is damaged.
    package init?(at memory: UnsafeRawBufferPointer) {
        guard memory.count >= Self.headerSize else { return nil }
        let size = Int(memory.loadUnaligned(fromByteOffset: 0, as: UInt32.self))
        guard size <= memory.count else { return nil }
        bytes = UnsafeRawBufferPointer(rebasing: memory[..<size])
        func count(_ offset: Int) -> Int { Int(memory.loadUnaligned(fromByteOffset: offset, as: UInt16.self)) }
        codeSize = count(4)
        instructionCount = count(6)
        relocationCount = count(8)
        faultCount = count(10)
        adjustmentCount = count(12)
        wordsAt = Self.headerSize + (count(14) & Int(Self.hasIndirectTargets)) * Self.indirectSize
        instrumentationSize = Int(memory.loadUnaligned(fromByteOffset: 32, as: UInt32.self))
        guard instructionCount > 0, codeSize > 0, codeAt + codeSize + instrumentationSize <= size else { return nil }
        for n in 0..<2 {
            if let jump = jump(n), jump.distance & 3 != 0 || jump.distance + 4 > codeSize || jump.slow >= codeSize { return nil }
        }
    }

    package var size: Int { bytes.count }
    package var code: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: bytes[codeAt..<codeAt + codeSize]) }
    /// What plugins had put into it, as its maker described it.
    package var instrumentation: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: bytes[codeAt + codeSize..<codeAt + codeSize + instrumentationSize])
    }
    /// The guest's instructions.
    package var words: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: bytes[wordsAt..<relocationsAt]) }
    /// `Relocation.bits`.
    package func relocation(_ n: Int) -> UInt32 { bytes.loadUnaligned(fromByteOffset: relocationsAt + n * 4, as: UInt32.self) }
    /// The fault table: a host offset and a guest instruction in eight bytes each.
    package var faults: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: bytes[faultsAt..<faultsAt + faultCount * Self.faultSize])
    }
    package func adjustment(_ n: Int) -> Adjustment {
        let at = adjustmentsAt + n * Self.adjustmentSize
        return (
            bytes.loadUnaligned(fromByteOffset: at, as: UInt32.self), bytes.loadUnaligned(fromByteOffset: at + 4, as: UInt32.self),
            bytes.loadUnaligned(fromByteOffset: at + 8, as: UInt64.self),
            bytes.loadUnaligned(fromByteOffset: at + 16, as: UInt64.self)
        )
    }
    package func jump(_ slot: Int) -> Jump? {
        let distance = bytes.loadUnaligned(fromByteOffset: 16 + slot * 4, as: UInt16.self)
        if distance == Self.noJump { return nil }
        return (Int(distance), Int(bytes.loadUnaligned(fromByteOffset: 18 + slot * 4, as: UInt16.self)))
    }
    /// Guest PCs that the slots lead to, 0 for none. `pc`: the TB's own.
    package func target(_ slot: Int, from pc: UInt64) -> UInt64 {
        let distance = bytes.loadUnaligned(fromByteOffset: 24 + slot * 4, as: Int32.self)
        return distance == Self.noTarget ? 0 : pc &+ UInt64(bitPattern: Int64(distance))
    }
    /// `nt_tb.indirect_targets`.
    package var indirectTargets: (UInt64, UInt64) {
        if wordsAt == Self.headerSize { return (.max, .max) }
        let at = Self.headerSize
        return (
            bytes.loadUnaligned(fromByteOffset: at, as: UInt64.self), bytes.loadUnaligned(fromByteOffset: at + 8, as: UInt64.self)
        )
    }
}

extension CodeEntry {
    /// All that an entry is made of, in its maker's memory.
    package struct Parts {
        package var words = UnsafeBufferPointer<UInt32>(start: nil, count: 0)
        package var relocations = UnsafeRawBufferPointer(start: nil, count: 0)
        package var faults = UnsafeRawBufferPointer(start: nil, count: 0)
        /// From the places that relocations name the maker takes what is its own process's.
        package var code = UnsafeRawBufferPointer(start: nil, count: 0)
        package var adjustments: [Adjustment] = []
        package var instrumentation: [UInt8] = []
        package var jumps: (Jump?, Jump?) = (nil, nil)
        package var pc: UInt64 = 0
        package var targets: (UInt64, UInt64) = (0, 0)
        package var indirectTargets: (UInt64, UInt64) = (.max, .max)
        package init() {}

        private var tableSize: Int {
            words.count * 4 + relocations.count + faults.count + adjustments.count * CodeEntry.adjustmentSize
        }
        private var hasIndirectTargets: Bool { indirectTargets.0 & indirectTargets.1 != .max }
        private func distance(_ target: UInt64) -> Int32? {
            target == 0 ? CodeEntry.noTarget : Int32(exactly: Int64(bitPattern: target &- pc))
        }
        /// Bytes of the entry; nil when it does not fit into the format.
        var size: Int? {
            let limit = Int(UInt16.max)
            guard code.count < limit, words.count < limit, relocations.count / 4 < limit, adjustments.count < limit,
                faults.count / CodeEntry.faultSize < limit, distance(targets.0) != nil, distance(targets.1) != nil
            else { return nil }
            let header = CodeEntry.headerSize + (hasIndirectTargets ? CodeEntry.indirectSize : 0)
            return (header + tableSize + code.count + instrumentation.count + 7) & ~7
        }

        /// Writes the entry to memory of `size` bytes, which are zero.
        /// - Returns: where its code is.
        func write(to entry: UnsafeMutableRawPointer, size: Int) -> UnsafeMutableRawPointer {
            var to = Writer(at: entry)
            to.put(UInt32(size))
            to.put(UInt16(code.count))
            to.put(UInt16(words.count))
            to.put(UInt16(relocations.count / 4))
            to.put(UInt16(faults.count / CodeEntry.faultSize))
            to.put(UInt16(adjustments.count))
            to.put(hasIndirectTargets ? CodeEntry.hasIndirectTargets : 0 as UInt16)
            to.put(jumps.0.map { UInt16($0.distance) } ?? CodeEntry.noJump)
            to.put(jumps.0.map { UInt16($0.slow) } ?? CodeEntry.noJump)
            to.put(jumps.1.map { UInt16($0.distance) } ?? CodeEntry.noJump)
            to.put(jumps.1.map { UInt16($0.slow) } ?? CodeEntry.noJump)
            to.put(distance(targets.0) ?? CodeEntry.noTarget)
            to.put(distance(targets.1) ?? CodeEntry.noTarget)
            to.put(UInt32(instrumentation.count))
            if hasIndirectTargets {
                to.put(indirectTargets.0)
                to.put(indirectTargets.1)
            }
            to.put(UnsafeRawBufferPointer(words))
            to.put(relocations)
            to.put(faults)
            for adjustment in adjustments {
                to.put(adjustment.first)
                to.put(adjustment.instruction)
                to.put(adjustment.offset)
                to.put(adjustment.amount)
            }
            let codeAt = to.at
            to.put(code)
            instrumentation.withUnsafeBytes { to.put($0) }
            return codeAt
        }
    }

    /// A struct, and not functions that share a variable: those look for accesses that overlap at every number.
    private struct Writer {
        private(set) var at: UnsafeMutableRawPointer

        init(at start: UnsafeMutableRawPointer) { at = start }

        @inline(__always) mutating func put<T: FixedWidthInteger & BitwiseCopyable>(_ value: T) {
            at.storeBytes(of: value, as: T.self)
            at += MemoryLayout<T>.size
        }
        mutating func put(_ bytes: UnsafeRawBufferPointer) {
            if let start = bytes.baseAddress { at.copyMemory(from: start, byteCount: bytes.count) }
            at += bytes.count
        }
    }
}
