package import CHost
package import EmuIR

extension StateSlot {
    /// Byte offset of the slot's storage in `nt_cpu`. CHost's layout is the only truth; this only names it.
    package var cpuOffset: Int {
        let n = Int(rawValue)
        switch n {
        case 0...31: return Int(NT_CPU_X) + n * 8
        case 32: return Int(NT_CPU_TPIDR_EL0)
        case 33: return Int(NT_CPU_TPIDRRO_EL0)
        case 34: return Int(NT_CPU_FPCR)
        case 35: return Int(NT_CPU_FPSR)
        case 36: return Int(NT_CPU_TPIDR2_EL0)
        case 37: return Int(NT_CPU_PSTATE)
        case 64..<96: return Int(NT_CPU_V) + (n - 64) * 16
        case 96..<128: return Int(NT_CPU_V) + (n - 96) * 16
        case 128..<160: return Int(NT_CPU_V) + (n - 128) * 16 + 8
        default: preconditionFailure("no such slot: \(n)")
        }
    }
}

/// A vCPU's registers seen from Swift: a pointer to its CPU struct with typed access. Valid as long as the vCPU's arena.
/// Threads: the vCPU's own, or any while the vCPU is stopped at a safe point.
package struct GuestRegisters: @unchecked Sendable {
    package let cpu: UnsafeMutablePointer<nt_cpu>
    @inlinable package init(_ cpu: UnsafeMutablePointer<nt_cpu>) { self.cpu = cpu }

    @inlinable var raw: UnsafeMutableRawPointer { UnsafeMutableRawPointer(cpu) }

    /// X0...X30, and SP as 31.
    @inlinable package subscript(x n: Int) -> UInt64 {
        get { raw.load(fromByteOffset: Int(NT_CPU_X) + n * 8, as: UInt64.self) }
        nonmutating set { raw.storeBytes(of: newValue, toByteOffset: Int(NT_CPU_X) + n * 8, as: UInt64.self) }
    }
    @inlinable package var sp: UInt64 {
        get { self[x: 31] }
        nonmutating set { self[x: 31] = newValue }
    }
    @inlinable package var pc: UInt64 {
        get { cpu.pointee.pc }
        nonmutating set { cpu.pointee.pc = newValue }
    }
    /// V0...V31 as (bits 63:0, bits 127:64).
    @inlinable package subscript(v n: Int) -> (lo: UInt64, hi: UInt64) {
        get {
            let at = Int(NT_CPU_V) + n * 16
            return (raw.load(fromByteOffset: at, as: UInt64.self), raw.load(fromByteOffset: at + 8, as: UInt64.self))
        }
        nonmutating set {
            let at = Int(NT_CPU_V) + n * 16
            raw.storeBytes(of: newValue.lo, toByteOffset: at, as: UInt64.self)
            raw.storeBytes(of: newValue.hi, toByteOffset: at + 8, as: UInt64.self)
        }
    }
    /// NZCV in bits 31:28, as in SPSR.
    package var nzcv: UInt32 {
        get {
            (cpu.pointee.nf >> 63 != 0 ? 1 << 31 : 0) | (cpu.pointee.zf == 0 ? 1 << 30 : 0)
                | (cpu.pointee.cf != 0 ? 1 << 29 : 0) | (cpu.pointee.vf != 0 ? 1 << 28 : 0)
        }
        nonmutating set {
            cpu.pointee.nf = newValue & (1 << 31) != 0 ? 1 << 63 : 0
            cpu.pointee.zf = newValue & (1 << 30) != 0 ? 0 : 1
            cpu.pointee.cf = UInt64(newValue >> 29 & 1)
            cpu.pointee.vf = UInt64(newValue >> 28 & 1)
        }
    }
}

extension GuestRegisters {
    /// PC, X registers, SP and NZCV as text, four registers a line.
    package func dump() -> String {
        func digits(_ value: UInt64) -> String {
            let text = String(value, radix: 16)
            return String(repeating: "0", count: 16 - text.count) + text
        }
        var text = " PC=\(digits(pc)) "
        for n in 0..<31 {
            text += "X\(n < 10 ? "0" : "")\(n)=\(digits(self[x: n]))" + (n % 3 == 1 ? "\n" : " ")
        }
        let flags = zip([31, 30, 29, 28], ["N", "Z", "C", "V"]).map { nzcv >> UInt32($0) & 1 != 0 ? $1 : "-" }.joined()
        return text + "SP=\(digits(sp))\nPSTATE=\(String(nzcv, radix: 16)) \(flags)\n"
    }
}
