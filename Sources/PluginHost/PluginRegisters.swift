internal import A64ISA
internal import CHost
internal import Glibc
internal import GuestState

/// A guest register as plugins see it: GDB's groups and names, target byte order (little-endian). A handle is the register's
/// place in the list that plugins get, plus one. Plugins read registers from execution callbacks, so nothing here allocates or
/// counts references.
enum PluginRegister: Equatable, BitwiseCopyable {
    case x(Int)
    case sp
    case pc
    case cpsr
    case v(Int)
    case fpsr
    case fpcr
    case tpidr
    /// An ID register, or a mask of pointer authentication.
    case constant(UInt64)
    // System registers, 8 bytes each.
    case systemFPSR
    case systemFPCR
    case systemTPIDR
    case tpidrro
    /// These bits of PSTATE.
    case pstate(UInt64)

    /// nil for what is no handle of the list that was made last.
    init?(handle: OpaquePointer?) {
        let number = Int(bitPattern: handle) &- 1
        guard number >= 0, let table = registerTable, number < table.count else { return nil }
        self = table[number]
    }

    /// Bytes.
    var size: Int {
        switch self {
        case .x, .sp, .pc, .tpidr, .constant, .systemFPSR, .systemFPCR, .systemTPIDR, .tpidrro, .pstate: 8
        case .cpsr, .fpsr, .fpcr: 4
        case .v: 16
        }
    }

    var isPC: Bool { self == .pc }

    /// `pc`: where execution goes on is decided by the time that a callback runs; qemu_plugin_set_pc is for that.
    var isReadOnly: Bool {
        switch self {
        case .x, .sp, .cpsr, .v, .fpsr, .fpcr, .tpidr: false
        case .pc, .constant, .systemFPSR, .systemFPCR, .systemTPIDR, .tpidrro, .pstate: true
        }
    }

    /// The value: low and high 64 bits, of which `size` bytes count. `pc` is exact wherever registers may be read: generated code
    /// stores it before callbacks that may.
    func read(_ registers: GuestRegisters) -> (lo: UInt64, hi: UInt64) {
        switch self {
        case .x(let n): (registers[x: n], 0)
        case .sp: (registers.sp, 0)
        case .pc: (registers.pc, 0)
        // PSTATE in the layout of SPSR: EL0 with SP_EL0 is all zeros below what is kept.
        case .cpsr: (UInt64(registers.nzcv) | registers.cpu.pointee.pstate, 0)
        case .v(let n): registers[v: n]
        case .fpsr, .systemFPSR: (registers.cpu.pointee.fpsr, 0)
        case .fpcr, .systemFPCR: (registers.cpu.pointee.fpcr, 0)
        case .tpidr, .systemTPIDR: (registers.cpu.pointee.tpidr_el0, 0)
        case .constant(let value): (value, 0)
        case .tpidrro: (registers.cpu.pointee.tpidrro_el0, 0)
        case .pstate(let mask): (registers.cpu.pointee.pstate & mask, 0)
        }
    }

    /// Not for read-only ones.
    func write(_ registers: GuestRegisters, lo: UInt64, hi: UInt64) {
        switch self {
        case .x(let n): registers[x: n] = lo
        case .sp: registers.sp = lo
        case .cpsr:
            registers.nzcv = UInt32(truncatingIfNeeded: lo)
            registers.cpu.pointee.pstate = lo & (PStateBit.dit | PStateBit.ssbs)
        case .v(let n): registers[v: n] = (lo, hi)
        case .fpsr: registers.cpu.pointee.fpsr = lo
        case .fpcr:
            registers.cpu.pointee.fpcr = lo
            // Code for the old mode may run on until its next poll.
            nt_request_exit(registers.cpu)
        case .tpidr: registers.cpu.pointee.tpidr_el0 = lo
        case .pc, .constant, .systemFPSR, .systemFPCR, .systemTPIDR, .tpidrro, .pstate: break
        }
    }
}

private enum PStateBit {
    static let dit: UInt64 = 1 << 24
    static let ssbs: UInt64 = 1 << 12
}

// SAFETY: set when a host's list is made, before a handle of it can exist; what it points to is never freed.
nonisolated(unsafe) private var registerTable: UnsafeBufferPointer<PluginRegister>?

/// What plugins of API 6 and later get of a register; the ones of earlier versions lack the last member.
struct PluginRegisterDescriptor: BitwiseCopyable {
    var handle: OpaquePointer?
    var name: UnsafePointer<CChar>?
    var feature: UnsafePointer<CChar>?
    var isReadOnly: Bool
}
struct PluginShortRegisterDescriptor: BitwiseCopyable {
    var handle: OpaquePointer?
    var name: UnsafePointer<CChar>?
    var feature: UnsafePointer<CChar>?
}

/// The descriptors of all registers, in GDB's order, with strings that live as long as the process. One for each host.
struct PluginRegisterList: @unchecked Sendable {
    // @unchecked: made once, never changed.
    let descriptors: UnsafeMutableBufferPointer<PluginRegisterDescriptor>
    let shortDescriptors: UnsafeMutableBufferPointer<PluginShortRegisterDescriptor>

    private static let core = "org.gnu.gdb.aarch64.core"
    private static let vector = "org.gnu.gdb.aarch64.fpu"
    private static let pointerAuthentication = "org.gnu.gdb.aarch64.pauth_v2"
    private static let threadLocalStorage = "org.gnu.gdb.aarch64.tls"
    private static let system = "org.qemu.gdb.arm.sys.regs"

    init(_ cpu: PluginCPU) {
        var all: [(feature: String, name: String, register: PluginRegister)] = []
        for n in 0...30 { all.append((Self.core, "x\(n)", .x(n))) }
        all += [(Self.core, "sp", .sp), (Self.core, "pc", .pc), (Self.core, "cpsr", .cpsr)]
        for n in 0...31 { all.append((Self.vector, "v\(n)", .v(n))) }
        all += [(Self.vector, "fpsr", .fpsr), (Self.vector, "fpcr", .fpcr)]
        if cpu.features.contains(.FEAT_PAuth) {
            // Bits of the code in a pointer of 48 bits: in the lower half, where the top byte is ignored, bits 54:48.
            let low: UInt64 = 0x007f_0000_0000_0000
            let high: UInt64 = 0xff7f_0000_0000_0000
            for (name, mask) in [("dmask", low), ("cmask", low), ("dmask_high", high), ("cmask_high", high)] {
                all.append((Self.pointerAuthentication, "pauth_\(name)", .constant(mask)))
            }
        }
        all.append((Self.threadLocalStorage, "tpidr", .tpidr))
        all += Self.systemRegisters(cpu).map { (Self.system, $0, $1) }

        var features: [String: UnsafePointer<CChar>] = [:]
        descriptors = .allocate(capacity: all.count)
        shortDescriptors = .allocate(capacity: all.count)
        for (index, item) in all.enumerated() {
            let feature = features[item.feature] ?? UnsafePointer(strdup(item.feature))
            features[item.feature] = feature
            let handle = OpaquePointer(bitPattern: index + 1)
            let name = UnsafePointer<CChar>(strdup(item.name))
            descriptors.initializeElement(
                at: index,
                to: PluginRegisterDescriptor(
                    handle: handle, name: name, feature: feature, isReadOnly: item.register.isReadOnly))
            shortDescriptors.initializeElement(
                at: index, to: PluginShortRegisterDescriptor(handle: handle, name: name, feature: feature))
        }
        let table = UnsafeMutableBufferPointer<PluginRegister>.allocate(capacity: all.count)
        _ = table.initialize(from: all.map(\.register))
        registerTable = UnsafeBufferPointer(table)
    }

    /// Those that EL0 can read, under the names that QEMU uses, by name. Not NZCV, which `cpsr` has, and not the counters, as in
    /// QEMU: traces of all registers would differ from run to run.
    private static func systemRegisters(_ cpu: PluginCPU) -> [(String, PluginRegister)] {
        var result: [(String, PluginRegister)] = []
        for (row, names) in SystemRegister.namesInIDSpace.enumerated() {
            for (op2, name) in names.enumerated() where !name.isEmpty {
                let key = SystemRegister(3, 0, 0, UInt16(row + 2), UInt16(op2)).key
                result.append((name, .constant(cpu.idRegisters[key] ?? 0)))
            }
        }
        let identification: [(String, SystemRegister)] = [
            ("MIDR_EL1", .MIDR_EL1), ("MPIDR_EL1", .MPIDR_EL1), ("REVIDR_EL1", .REVIDR_EL1), ("CTR_EL0", .CTR_EL0),
            ("DCZID_EL0", .DCZID_EL0),
        ]
        for (name, register) in identification {
            if let value = cpu.idRegisters[register.key] { result.append((name, .constant(value))) }
        }
        result += [
            ("FPCR", .systemFPCR), ("FPSR", .systemFPSR), ("TPIDR_EL0", .systemTPIDR), ("TPIDRRO_EL0", .tpidrro),
            ("CNTFRQ_EL0", .constant(SystemRegister.counterFrequency)), ("PMUSERENR_EL0", .constant(0)),
        ]
        if cpu.features.contains(.FEAT_DIT) { result.append(("DIT", .pstate(PStateBit.dit))) }
        if cpu.features.contains(.FEAT_SSBS2) { result.append(("SSBS", .pstate(PStateBit.ssbs))) }
        return result.sorted { $0.0 < $1.0 }
    }
}
