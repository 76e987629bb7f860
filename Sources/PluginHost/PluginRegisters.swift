internal import CHost
internal import CPluginAPI
internal import Glibc
internal import GuestState

/// A guest register as plugins see it: GDB's groups and names, target byte order (little-endian). Its number is the
/// position in the list that plugins get; a handle is the number plus one. Plugins read registers from execution callbacks,
/// so nothing here allocates or counts references.
struct PluginRegister: Hashable {
    let number: Int

    static let count = 34 + 34 + 1

    private enum Kind {
        case x(Int)
        case sp
        case pc
        case cpsr
        case v(Int)
        case fpsr
        case fpcr
        case tpidr
    }

    private var kind: Kind {
        switch number {
        case ...30: .x(number)
        case 31: .sp
        case 32: .pc
        case 33: .cpsr
        case 34...65: .v(number - 34)
        case 66: .fpsr
        case 67: .fpcr
        case _: .tpidr
        }
    }

    init(number: Int) { self.number = number }

    init?(handle: OpaquePointer?) {
        number = Int(bitPattern: handle) - 1
        guard number >= 0, number < Self.count else { return nil }
    }

    var handle: OpaquePointer? { OpaquePointer(bitPattern: number + 1) }

    var name: String {
        switch kind {
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
        switch kind {
        case .x, .sp, .pc, .cpsr: "org.gnu.gdb.aarch64.core"
        case .v, .fpsr, .fpcr: "org.gnu.gdb.aarch64.fpu"
        case .tpidr: "org.gnu.gdb.aarch64.tls"
        }
    }

    /// Bytes.
    var size: Int {
        switch kind {
        case .x, .sp, .pc, .tpidr: 8
        case .cpsr, .fpsr, .fpcr: 4
        case .v: 16
        }
    }

    /// The value: low and high 64 bits, of which `size` bytes count.
    /// - Parameter exactPC: Asked for `pc` only; the CPU struct's is exact only inside callbacks that may read registers.
    func read(_ registers: GuestRegisters, exactPC: () -> UInt64) -> (lo: UInt64, hi: UInt64) {
        switch kind {
        case .x(let n): (registers[x: n], 0)
        case .sp: (registers.sp, 0)
        case .pc: (exactPC(), 0)
        // PSTATE in the layout of SPSR: EL0 with SP_EL0 is all zeros below what is kept.
        case .cpsr: (UInt64(registers.nzcv) | registers.cpu.pointee.pstate, 0)
        case .v(let n): registers[v: n]
        case .fpsr: (registers.cpu.pointee.fpsr, 0)
        case .fpcr: (registers.cpu.pointee.fpcr, 0)
        case .tpidr: (registers.cpu.pointee.tpidr_el0, 0)
        }
    }

    func write(_ registers: GuestRegisters, lo: UInt64, hi: UInt64) {
        switch kind {
        case .x(let n): registers[x: n] = lo
        case .sp: registers.sp = lo
        // Accepted without effect, as in QEMU up to 10.2: where execution goes on is decided by then.
        case .pc: break
        case .cpsr:
            registers.nzcv = UInt32(truncatingIfNeeded: lo)
            registers.cpu.pointee.pstate = lo & (1 << 24 | 1 << 12)
        case .v(let n): registers[v: n] = (lo, hi)
        case .fpsr: registers.cpu.pointee.fpsr = lo
        case .fpcr:
            registers.cpu.pointee.fpcr = lo
            // Code for the old mode may run on until its next poll.
            nt_request_exit(registers.cpu)
        case .tpidr: registers.cpu.pointee.tpidr_el0 = lo
        }
    }
}

/// The descriptors of all registers, in order, with strings that live as long as the process.
struct PluginRegisterList: @unchecked Sendable {
    // @unchecked: made once, never changed.
    let descriptors: UnsafeMutableBufferPointer<qemu_plugin_reg_descriptor>

    static let shared: PluginRegisterList = {
        let all = (0..<PluginRegister.count).map { PluginRegister(number: $0) }
        var features: [String: UnsafePointer<CChar>] = [:]
        let list = UnsafeMutableBufferPointer<qemu_plugin_reg_descriptor>.allocate(capacity: all.count)
        for register in all {
            let feature = features[register.feature] ?? UnsafePointer(strdup(register.feature))
            features[register.feature] = feature
            list.initializeElement(
                at: register.number,
                to: qemu_plugin_reg_descriptor(
                    handle: register.handle, name: UnsafePointer(strdup(register.name)), feature: feature))
        }
        return PluginRegisterList(descriptors: list)
    }()
}
