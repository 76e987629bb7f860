import CNeedletailPlugin
import NeedletailPlugin

/// A `match=` option: what is counted for all instructions whose disassembly begins with `prefix`.
struct Match {
    /// argv's, which outlives the plugin's use of it.
    let prefix: CText
    let counts: Scoreboard<Counts>

    var hits: Counter { counts.counter(at: 0) }

    struct Counts: BitwiseCopyable {
        var hits: UInt64
        /// The vCPU's instruction count at the last hit.
        var lastHit: UInt64
        /// Sum of the distances between hits, in instructions.
        var totalDistance: UInt64
    }
}

/// One instruction that a match is about. Lives until the process ends, because translated blocks lead to it.
struct Record {
    let match: Int
    let disassembly: CText
    let hits: Counter
    let counter: Counter
    let traces: Bool
}

/// The matches and their instructions. Matches are added by install; records under the plugin's lock.
enum MatchTable {
    nonisolated(unsafe) private static var matches: [Match] = []
    nonisolated(unsafe) private static var pool = CounterPool()
    /// By address and match. Other code at the same address is found by its text.
    nonisolated(unsafe) private static var records = AddressMap<Record>()

    static var isEmpty: Bool { matches.isEmpty }

    static func add(_ prefix: CText) { matches.append(Match(prefix: prefix, counts: Scoreboard())) }

    static func instrument(_ insn: Instruction, counter: Counter, traces: Bool) {
        let disassembly = insn.disassembly
        for index in matches.indices where strncmp(disassembly, matches[index].prefix, strlen(matches[index].prefix)) == 0 {
            let entry = Plugin.withLock {
                record(match: index, address: insn.address, disassembly, counter: counter, traces: traces)
            }
            insn.onExecution(data: entry) { vcpu, entry in MatchTable.hit(vcpu, entry) }
        }
        free(disassembly)
    }

    /// The record of an instruction, made and announced when there is none: blocks are translated more than once.
    private static func record(
        match: Int, address: UInt64, _ disassembly: CText, counter: Counter, traces: Bool
    ) -> AddressMap<Record>.EntryPointer {
        // Code that changed under an address is another instruction, next to the first in the table.
        var extra = UInt64(match)
        while let known = records.find(address, extra), strcmp(known.pointee.value.disassembly, disassembly) != 0 {
            extra += UInt64(matches.count)
        }
        return records.entry(address, extra) {
            var text = Text()
            text.append("Created record for: \(hex: address) \(disassembly)\n")
            Report.lineLocked(&text)
            return Record(
                match: match, disassembly: strdup(disassembly), hits: pool.take(), counter: counter, traces: traces)
        }
    }

    /// Execution callback of a matched instruction, after it was counted itself.
    private static func hit(_ vcpu: VCPUIndex, _ data: UnsafeMutableRawPointer?) {
        guard let entry = data?.assumingMemoryBound(to: AddressMap<Record>.Entry.self),
            let counts = matches[entry.pointee.value.match].counts[vcpu]
        else { return }
        entry.pointee.value.hits.add(1, vcpu)
        let now = entry.pointee.value.counter[vcpu]
        let distance = now &- counts.pointee.lastHit
        counts.pointee.hits &+= 1
        counts.pointee.totalDistance &+= distance
        counts.pointee.lastHit = now
        if entry.pointee.value.traces { trace(vcpu, entry.pointee.address, entry.pointee.value, counts.pointee, distance) }
    }

    private static func trace(
        _ vcpu: VCPUIndex, _ address: UInt64, _ record: Record, _ counts: Match.Counts, _ distance: UInt64
    ) {
        if Report.isJSON {
            Report.event {
                $0.member("address", address: address)
                $0.member("vcpu", vcpu)
                $0.member("hits", record.hits.sum)
                $0.member("distance", distance)
            }
            return
        }
        var text = Text()
        text.append("\(address: address), '\(record.disassembly)', \(record.hits) hits , cpu \(vcpu), \(counts.hits) match hits, ")
        text.append("Δ+\(distance) since last match, \(counts.totalDistance / counts.hits) avg insns/match\n")
        Report.line(&text)
    }

    private static func sorted(_ match: Int) -> [AddressMap<Record>.EntryPointer] {
        records.sorted(where: { $0.pointee.value.match == match }, by: { _, _ in false })
    }

    static func report(_ text: inout Text) {
        for index in matches.indices {
            text.append("Match: \(matches[index].prefix), hits \(matches[index].hits)\n")
            for entry in sorted(index) {
                let record = entry.pointee.value
                text.append("  \(hex: entry.pointee.address): \(record.disassembly) (hits \(record.hits))\n")
            }
        }
    }

    static func report(_ json: inout JSON) {
        if isEmpty { return }
        json.array("matches") { json in
            for index in matches.indices {
                json.object { json in
                    json.member("match", matches[index].prefix)
                    json.member("hits", matches[index].hits.sum)
                    json.array("instructions") { json in
                        for entry in sorted(index) {
                            json.object {
                                $0.member("address", address: entry.pointee.address)
                                $0.member("disassembly", entry.pointee.value.disassembly)
                                $0.member("hits", entry.pointee.value.hits.sum)
                            }
                        }
                    }
                }
            }
        }
    }
}
