internal import Baseline
internal import CHost
internal import IRPasses

/// What plugins registered on a TB, told apart from the numbers that are others in each process: TBs whose guest instructions and whose
/// shapes are equal have the same code but for those numbers.
///
/// The numbers stand in lists, each once, in the order of the records; the shape has places in the lists. So it also says which of
/// them are equal, and code may rely on that (adds to one entry are merged).
struct InstrumentationShape {
    private(set) var bytes: [UInt8] = []
    /// Offsets of scoreboards' entries in a vCPU's arena.
    private(set) var entries: [UInt64] = []
    /// Addresses of plugins' functions.
    private(set) var callbacks: [UInt64] = []
    private(set) var userdata: [UInt64] = []

    /// - Returns: nil when code with these records is not kept.
    init?(_ instrumentation: TBInstrumentation) {
        if instrumentation.isEmpty { return }
        // Their address is in the code, and they are freed with the TB.
        guard instrumentation.helperRecords.allSatisfy({ $0 == nil }) else { return nil }
        put(UInt64(instrumentation.tb.count))
        for record in instrumentation.tb { put(record) }
        put(UInt64(instrumentation.insns.count))
        for list in instrumentation.insns {
            put(UInt64(list.count))
            for record in list { put(record) }
        }
        put(UInt64(instrumentation.mem.count))
        for list in instrumentation.mem {
            put(UInt64(list.count))
            for entry in list {
                bytes.append(entry.directions.rawValue)
                put(entry.record)
            }
        }
        // Whether entries overlap in part decides what is merged, and is in no list.
        let sorted = entries.sorted()
        guard zip(sorted, sorted.dropFirst()).allSatisfy({ $1 - $0 >= 8 }) else { return nil }
    }

    /// With these numbers and those of a TB.
    func numbers(tbIndex: UInt32, tbAddress: UInt) -> Relocation.Numbers {
        Relocation.Numbers(tbIndex: tbIndex, tbAddress: tbAddress, entries: entries, callbacks: callbacks, userdata: userdata)
    }

    /// An offset as it is kept, and back.
    func kept(_ offset: UInt64) -> UInt64 { entries.firstIndex(of: offset).map { Self.isPlace | UInt64($0) } ?? offset }
    func offset(ofKept number: UInt64) -> UInt64? {
        guard number & Self.isPlace != 0 else { return number }
        let place = number & ~Self.isPlace
        return place < UInt64(entries.count) ? entries[Int(place)] : nil
    }
    private static let isPlace: UInt64 = 1 << 63

    private mutating func put(_ record: InstrumentationRecord) {
        switch record {
        case .add(let offset, let value):
            bytes.append(0)
            put(entry: offset)
            put(value)
        case .store(let offset, let value):
            bytes.append(1)
            put(entry: offset)
            put(value)
        case .call(let function, let data, let regs):
            bytes.append(2)
            put(function, data, regs)
        case .callIf(let condition, let offset, let immediate, let function, let data, let regs):
            bytes.append(3)
            bytes.append(condition.rawValue)
            put(entry: offset)
            put(immediate)
            put(function, data, regs)
        }
    }

    private mutating func put(_ function: UInt64, _ data: UInt64, _ regs: UInt8) {
        put(Self.place(of: function, in: &callbacks))
        put(Self.place(of: data, in: &userdata))
        bytes.append(regs)
    }

    /// Counters of the CPU struct are where they are in every process.
    private mutating func put(entry offset: UInt64) {
        if offset < UInt64(NT_SCOREBOARD_OFFSET) {
            put(0)
            put(offset)
        } else {
            put(1 + Self.place(of: offset, in: &entries))
        }
    }

    private static func place(of number: UInt64, in list: inout [UInt64]) -> UInt64 {
        // What was put last is most often what comes next.
        if list.last == number { return UInt64(list.count - 1) }
        if let known = list.firstIndex(of: number) { return UInt64(known) }
        list.append(number)
        return UInt64(list.count - 1)
    }

    /// LEB128.
    private mutating func put(_ number: UInt64) {
        var rest = number
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }
}
