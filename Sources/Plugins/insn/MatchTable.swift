import CPluginKit
import PluginKit

/// A `match=` option: what is counted for all instructions whose disassembly begins with `prefix`.
private struct Match {
    /// argv's, which outlives the plugin's use of it.
    let prefix: CText
    /// A scoreboard of `Counts`.
    let counts: OpaquePointer?

    /// Counted on each vCPU.
    struct Counts {
        var hits: UInt64
        /// The vCPU's instruction count at the last hit.
        var lastHit: UInt64
        /// Sum of the distances between hits, in instructions.
        var totalDistance: UInt64
    }

    var hits: UInt64 { qemu_plugin_u64_sum(qemu_plugin_u64(score: counts, offset: 0)) }
}

/// One instruction that a match is about. Lives until the process ends, because translated blocks lead to it.
private struct Record {
    let match: Int
    let vaddr: UInt64
    let disassembly: CText
    let hits: qemu_plugin_u64
    let counter: qemu_plugin_u64
    let traces: Bool
}

/// The matches and their instructions. Matches are added by install; records under the kit's lock.
enum MatchTable {
    nonisolated(unsafe) private static var matches: UnsafeMutablePointer<Match>? = nil
    nonisolated(unsafe) private static var matchCount = 0
    /// By address, then disassembly, then match.
    nonisolated(unsafe) private static var records: UnsafeMutablePointer<UnsafeMutablePointer<Record>>? = nil
    nonisolated(unsafe) private static var recordCount = 0
    nonisolated(unsafe) private static var recordCapacity = 0

    static var isEmpty: Bool { matchCount == 0 }

    static func add(_ prefix: CText) {
        let grown = UnsafeMutablePointer<Match>.allocate(capacity: matchCount + 1)
        if let matches {
            grown.moveInitialize(from: matches, count: matchCount)
            matches.deallocate()
        }
        (grown + matchCount).initialize(
            to: Match(prefix: prefix, counts: qemu_plugin_scoreboard_new(MemoryLayout<Match.Counts>.size)))
        matches = grown
        matchCount += 1
    }

    static func instrument(_ insn: OpaquePointer?, counter: qemu_plugin_u64, traces: Bool) {
        guard let matches, let disassembly = qemu_plugin_insn_disas(insn) else { return }
        for index in 0..<matchCount where strncmp(disassembly, matches[index].prefix, strlen(matches[index].prefix)) == 0 {
            let record = record(
                match: index, vaddr: qemu_plugin_insn_vaddr(insn), disassembly, counter: counter, traces: traces)
            qemu_plugin_register_vcpu_insn_exec_cb(
                insn, { cpu, record in MatchTable.hit(cpu, record) }, QEMU_PLUGIN_CB_NO_REGS, record)
        }
        free(disassembly)
    }

    /// The record of an instruction, made and announced when there is none: blocks are translated more than once.
    private static func record(
        match: Int, vaddr: UInt64, _ disassembly: CText, counter: qemu_plugin_u64, traces: Bool
    ) -> UnsafeMutablePointer<Record> {
        plugin_kit_lock()
        defer { plugin_kit_unlock() }
        var low = 0
        var high = recordCount
        while low < high, let records {
            let middle = low + (high - low) / 2
            let order = compare(records[middle].pointee, vaddr, disassembly, match)
            if order == 0 { return records[middle] }
            if order < 0 { low = middle + 1 } else { high = middle }
        }
        let made = UnsafeMutablePointer<Record>.allocate(capacity: 1)
        made.initialize(
            to: Record(
                match: match, vaddr: vaddr, disassembly: strdup(disassembly),
                hits: qemu_plugin_u64(score: qemu_plugin_scoreboard_new(8), offset: 0), counter: counter, traces: traces))
        insert(made, at: low)
        var text = Text()
        text.append("Created record for: ")
        text.append(vaddr, radix: 16)
        text.append(" ")
        text.append(disassembly)
        text.append("\n")
        text.outs()
        return made
    }

    /// Negative when `record` stands before an instruction.
    private static func compare(_ record: Record, _ vaddr: UInt64, _ disassembly: CText, _ match: Int) -> Int {
        if record.vaddr != vaddr { return record.vaddr < vaddr ? -1 : 1 }
        let order = strcmp(record.disassembly, disassembly)
        return order != 0 ? Int(order) : record.match - match
    }

    private static func insert(_ record: UnsafeMutablePointer<Record>, at place: Int) {
        if recordCount == recordCapacity {
            let capacity = max(64, recordCapacity * 2)
            let grown = UnsafeMutablePointer<UnsafeMutablePointer<Record>>.allocate(capacity: capacity)
            if let records {
                grown.moveInitialize(from: records, count: recordCount)
                records.deallocate()
            }
            records = grown
            recordCapacity = capacity
        }
        guard let records else { return }
        (records + place + 1).moveInitialize(from: records + place, count: recordCount - place)
        (records + place).initialize(to: record)
        recordCount += 1
    }

    /// Execution callback of a matched instruction, after it was counted itself.
    private static func hit(_ cpu: UInt32, _ userdata: UnsafeMutableRawPointer?) {
        guard let record = userdata?.assumingMemoryBound(to: Record.self).pointee, let match = matches?[record.match],
            let element = qemu_plugin_scoreboard_find(match.counts, cpu)
        else { return }
        qemu_plugin_u64_add(record.hits, cpu, 1)
        let counts = element.assumingMemoryBound(to: Match.Counts.self)
        let now = qemu_plugin_u64_get(record.counter, cpu)
        let distance = now &- counts.pointee.lastHit
        counts.pointee.hits &+= 1
        counts.pointee.totalDistance &+= distance
        counts.pointee.lastHit = now
        if record.traces { trace(cpu, record, counts.pointee, distance) }
    }

    private static func trace(_ cpu: UInt32, _ record: Record, _ counts: Match.Counts, _ distance: UInt64) {
        var text = Text()
        text.append("0x")
        text.append(record.vaddr, radix: 16)
        text.append(", '")
        text.append(record.disassembly)
        text.append("', ")
        text.append(qemu_plugin_u64_sum(record.hits))
        text.append(" hits , cpu ")
        text.append(UInt64(cpu))
        text.append(", ")
        text.append(counts.hits)
        text.append(" match hits, Δ+")
        text.append(distance)
        text.append(" since last match, ")
        text.append(counts.totalDistance / counts.hits)
        text.append(" avg insns/match\n")
        text.outs()
    }

    static func report() {
        plugin_kit_lock()
        defer { plugin_kit_unlock() }
        for index in 0..<matchCount {
            guard let match = matches?[index] else { continue }
            var text = Text()
            text.append("Match: ")
            text.append(match.prefix)
            text.append(", hits ")
            text.append(match.hits)
            text.append("\n")
            for place in 0..<recordCount {
                guard let record = records?[place].pointee, record.match == index else { continue }
                text.append("  ")
                text.append(record.vaddr, radix: 16)
                text.append(": ")
                text.append(record.disassembly)
                text.append(" (hits ")
                text.append(qemu_plugin_u64_sum(record.hits))
                text.append(")\n")
            }
            text.outs()
        }
    }
}
