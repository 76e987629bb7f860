internal import GuestState

/// `struct rt_sigframe` of arm64 Linux (`arch/arm64/kernel/signal.c`, `uapi/asm/sigcontext.h`, `uapi/asm/ucontext.h`):
///
///     +0     siginfo            128 bytes
///     +128   ucontext           uc_flags, uc_link, uc_stack (24), uc_sigmask (8 of 128 reserved), padding to 176
///     +304     uc_mcontext      fault_address, x0...x30, sp, pc, pstate, padding to 288
///     +592       __reserved     4096 bytes of records {magic, size}: fpsimd_context (528), terminator {0, 0}
///     +4688  end; above it the frame record {x29, x30} that unwinders follow
enum SignalFrame {
    enum Offset {
        static let signalInfo = 0
        static let context = 128
        static let flags = context + 0
        static let link = context + 8
        static let stackPointer = context + 16
        static let stackFlags = context + 24
        static let stackSize = context + 32
        static let signalMask = context + 40
        static let machineContext = context + 176
        static let faultAddress = machineContext + 0
        static let registers = machineContext + 8
        static let sp = machineContext + 256
        static let pc = machineContext + 264
        static let pstate = machineContext + 272
        static let records = machineContext + 288
    }
    static let recordsSize = 4096
    static let size = Offset.records + recordsSize
    static let frameRecordSize = 16
    /// AT_MINSIGSTKSZ: the frame, the frame record and alignment.
    static let minimumStackSize: UInt64 = 4720

    static let fpsimdMagic: UInt32 = 0x4650_8001
    static let fpsimdSize: UInt32 = 528

    /// NZCV and the bits user space may set in PSTATE (SSBS, TCO, DIT and BTYPE have no state here).
    static let pstateFlags: UInt64 = 0xf000_0000

    /// Saves the guest's state as a frame.
    static func make(
        _ info: SignalInfo, mask: SignalSet, alternateStack: AlternateStack, registers: GuestRegisters,
        faultAddress: UInt64
    ) -> GuestRecord {
        var frame = GuestRecord(size: size)
        for (index, byte) in info.record.bytes.enumerated() { frame[index, as: UInt8.self] = byte }
        frame[Offset.stackPointer, as: UInt64.self] = alternateStack.base
        frame[Offset.stackFlags, as: Int32.self] = alternateStack.flags(stackPointer: registers.sp)
        frame[Offset.stackSize, as: UInt64.self] = alternateStack.size
        frame[Offset.signalMask, as: UInt64.self] = mask.bits
        frame[Offset.faultAddress, as: UInt64.self] = faultAddress
        for n in 0..<31 { frame[Offset.registers + n * 8, as: UInt64.self] = registers[x: n] }
        frame[Offset.sp, as: UInt64.self] = registers.sp
        frame[Offset.pc, as: UInt64.self] = registers.pc
        frame[Offset.pstate, as: UInt64.self] = UInt64(registers.nzcv)
        let record = Offset.records
        frame[record, as: UInt32.self] = fpsimdMagic
        frame[record + 4, as: UInt32.self] = fpsimdSize
        frame[record + 8, as: UInt32.self] = UInt32(truncatingIfNeeded: registers.cpu.pointee.fpsr)
        frame[record + 12, as: UInt32.self] = UInt32(truncatingIfNeeded: registers.cpu.pointee.fpcr)
        for n in 0..<32 {
            let value = registers[v: n]
            frame[record + 16 + n * 16, as: UInt64.self] = value.lo
            frame[record + 24 + n * 16, as: UInt64.self] = value.hi
        }
        return frame
    }

    /// Puts a frame's state back into the registers.
    /// - Throws: EINVAL when the records are not what the kernel would have written.
    static func restore(_ frame: GuestRecord, to registers: GuestRegisters) throws(LinuxErrno) {
        guard let fpsimd = try findFPSIMD(frame) else { throw .EINVAL }
        for n in 0..<31 { registers[x: n] = frame[Offset.registers + n * 8, as: UInt64.self] }
        registers.sp = frame[Offset.sp, as: UInt64.self]
        registers.pc = frame[Offset.pc, as: UInt64.self]
        registers.nzcv = UInt32(truncatingIfNeeded: frame[Offset.pstate, as: UInt64.self] & pstateFlags)
        registers.cpu.pointee.fpsr = UInt64(frame[fpsimd + 8, as: UInt32.self])
        registers.cpu.pointee.fpcr = UInt64(frame[fpsimd + 12, as: UInt32.self])
        for n in 0..<32 {
            registers[v: n] = (
                frame[fpsimd + 16 + n * 16, as: UInt64.self], frame[fpsimd + 24 + n * 16, as: UInt64.self]
            )
        }
    }

    /// Offset of the fpsimd record; walks the records with the bounds the kernel checks.
    private static func findFPSIMD(_ frame: GuestRecord) throws(LinuxErrno) -> Int? {
        var at = Offset.records
        var found: Int?
        while at + 8 <= size {
            let magic = frame[at, as: UInt32.self]
            let length = Int(frame[at + 4, as: UInt32.self])
            if magic == 0 {
                if length != 0 { throw .EINVAL }
                return found
            }
            guard length >= 8, length % 16 == 0, at + length <= size else { throw .EINVAL }
            if magic == fpsimdMagic {
                guard length == Int(fpsimdSize), found == nil else { throw .EINVAL }
                found = at
            }
            at += length
        }
        throw .EINVAL
    }
}

/// What sigaltstack set for a thread.
struct AlternateStack: Equatable, Sendable {
    var base: UInt64 = 0
    var size: UInt64 = 0
    var isDisabled = true
    var disarmsItself = false

    enum Flag {
        static let onStack: Int32 = 1
        static let disable: Int32 = 2
        static let autoDisarm = Int32(bitPattern: 1 << 31)
    }

    /// Whether a thread with this SP runs on it. A stack grows down from `base + size`.
    func contains(stackPointer sp: UInt64) -> Bool { !isDisabled && !disarmsItself && sp > base && sp &- base <= size }

    func flags(stackPointer sp: UInt64) -> Int32 {
        if isDisabled { return Flag.disable }
        return (contains(stackPointer: sp) ? Flag.onStack : 0) | (disarmsItself ? Flag.autoDisarm : 0)
    }
}
