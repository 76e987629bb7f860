internal import CHost
internal import CPluginAPI
internal import Glibc
internal import GuestState

/// A guest register as plugins see it: GDB's groups and names, target byte order (little-endian).
enum PluginRegister: Hashable {
    case x(Int)
    case sp
    case pc
    case cpsr
    case v(Int)
    case fpsr
    case fpcr
    case tpidr

    /// In the order of the list that plugins get; a handle is the position plus one.
    static let all: [PluginRegister] =
        (0...30).map { .x($0) } + [.sp, .pc, .cpsr] + (0...31).map { .v($0) } + [.fpsr, .fpcr, .tpidr]

    var name: String {
        switch self {
        case .x(let n): "x\(n)"
        case .sp: "sp"
        case .pc: "pc"
        case .cpsr: "cpsr"
        case .v(let n): "v\(n)"
        case .fpsr: "fpsr"
        case .fpcr: "fpcr"
        case .tpidr: "tpidr"
        }
    }

    var feature: String {
        switch self {
        case .x, .sp, .pc, .cpsr: "org.gnu.gdb.aarch64.core"
        case .v, .fpsr, .fpcr: "org.gnu.gdb.aarch64.fpu"
        case .tpidr: "org.gnu.gdb.aarch64.tls"
        }
    }

    /// Bytes.
    var size: Int {
        switch self {
        case .x, .sp, .pc, .tpidr: 8
        case .cpsr, .fpsr, .fpcr: 4
        case .v: 16
        }
    }

    init?(handle: OpaquePointer?) {
        let position = Int(bitPattern: handle) - 1
        guard PluginRegister.all.indices.contains(position) else { return nil }
        self = PluginRegister.all[position]
    }

    static func handle(_ position: Int) -> OpaquePointer? { OpaquePointer(bitPattern: position + 1) }

    /// The value: low and high 64 bits, of which `size` bytes count.
    /// - Parameter pc: The exact PC; the CPU struct's is stale inside generated code.
    func read(_ registers: GuestRegisters, pc: UInt64) -> (lo: UInt64, hi: UInt64) {
        switch self {
        case .x(let n): (registers[x: n], 0)
        case .sp: (registers.sp, 0)
        case .pc: (pc, 0)
        // PSTATE in the layout of SPSR: EL0 with SP_EL0 is all zeros below the flags.
        case .cpsr: (UInt64(registers.nzcv), 0)
        case .v(let n): registers[v: n]
        case .fpsr: (registers.cpu.pointee.fpsr, 0)
        case .fpcr: (registers.cpu.pointee.fpcr, 0)
        case .tpidr: (registers.cpu.pointee.tpidr_el0, 0)
        }
    }

    func write(_ registers: GuestRegisters, lo: UInt64, hi: UInt64) {
        switch self {
        case .x(let n): registers[x: n] = lo
        case .sp: registers.sp = lo
        // Accepted without effect, as in QEMU up to 10.2: where execution goes on is decided by then.
        case .pc: break
        case .cpsr: registers.nzcv = UInt32(truncatingIfNeeded: lo)
        case .v(let n): registers[v: n] = (lo, hi)
        case .fpsr: registers.cpu.pointee.fpsr = lo
        case .fpcr: registers.cpu.pointee.fpcr = lo
        case .tpidr: registers.cpu.pointee.tpidr_el0 = lo
        }
    }
}

/// The descriptors of `PluginRegister.all`, with strings that live as long as the process.
struct PluginRegisterList: @unchecked Sendable {
    // @unchecked: made once, never changed.
    let descriptors: UnsafeMutableBufferPointer<qemu_plugin_reg_descriptor>

    static let shared: PluginRegisterList = {
        let all = PluginRegister.all
        var features: [String: UnsafePointer<CChar>] = [:]
        let list = UnsafeMutableBufferPointer<qemu_plugin_reg_descriptor>.allocate(capacity: all.count)
        for (position, register) in all.enumerated() {
            let feature = features[register.feature] ?? UnsafePointer(strdup(register.feature))
            features[register.feature] = feature
            list.initializeElement(
                at: position,
                to: qemu_plugin_reg_descriptor(
                    handle: PluginRegister.handle(position), name: UnsafePointer(strdup(register.name)), feature: feature))
        }
        return PluginRegisterList(descriptors: list)
    }()
}
