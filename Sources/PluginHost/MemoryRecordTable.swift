internal import CHost
internal import IRPasses

/// The memory records of an instruction in the form that CHost's mops helper reads.
final class MemoryRecordTable {
    // SAFETY: the memory is this object's alone, and is not changed once it is made.
    private let table: UnsafeMutablePointer<nt_mem_records>

    private init(_ records: [MemoryInstrumentationRecord]) {
        let rows = UnsafeMutablePointer<nt_mem_record>.allocate(capacity: records.count)
        for (index, record) in records.enumerated() { (rows + index).initialize(to: nt_mem_record(record)) }
        table = .allocate(capacity: 1)
        table.initialize(to: nt_mem_records(count: UInt64(records.count), rows: rows))
    }

    deinit {
        table.pointee.rows.deallocate()
        table.deallocate()
    }

    static func make(_ records: [MemoryInstrumentationRecord]) -> HelperRecords {
        let made = MemoryRecordTable(records)
        return HelperRecords(
            address: UInt64(UInt(bitPattern: made.table)), hasCallbacks: records.contains { $0.record.isCallback },
            owner: made)
    }
}

extension nt_mem_record {
    fileprivate init(_ memory: MemoryInstrumentationRecord) {
        let (kind, target, value, regs): (nt_mem_record_kind, UInt64, UInt64, UInt8) =
            switch memory.record {
            case .add(let offset, let value): (NT_MEM_ADD, offset, value, 0)
            case .store(let offset, let value): (NT_MEM_STORE, offset, value, 0)
            case .call(let function, let userdata, let regs): (NT_MEM_CALL, function, userdata, regs)
            case .callIf: preconditionFailure("a memory record has no condition")
            }
        self.init(
            kind: UInt8(kind.rawValue), directions: memory.directions.rawValue, regs: regs, target: target, value: value)
    }
}
