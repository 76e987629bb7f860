internal import GuestState

/// `struct rt_sigframe` of arm64 Linux (`arch/arm64/kernel/signal.c`, `uapi/asm/sigcontext.h`, `uapi/asm/ucontext.h`):
///
///     +0     siginfo            128 bytes
///     +128   ucontext           uc_flags, uc_link, uc_stack (24), uc_sigmask (8 of 128 reserved), padding to 176
///     +304     uc_mcontext      fault_address, x0...x30, sp, pc, pstate, padding to 288
///     +592       __reserved     4096 bytes of records {magic, size}: fpsimd_context (528), after a fault esr_context (16),
///                               terminator {0, 0}
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

    static let esrMagic: UInt32 = 0x4553_5201
    static let esrSize: UInt32 = 16

    /// NZCV of PSTATE.
    static let pstateFlags: UInt64 = 0xf000_0000
    /// DIT, SSBS and BTYPE (TCO has no state here).
    static let pstateOptions: UInt64 = 1 << 24 | 1 << 12 | 3 << 10
    /// Mode and D, A, I, F: zero in every frame of a user program.
    static let pstatePrivileged: UInt64 = 0x3df

    /// Saves the guest's state as a frame.
    static func make(
        _ info: SignalInfo, mask: SignalSet, alternateStack: AlternateStack, registers: GuestRegisters,
        fault: FaultReport
    ) -> GuestRecord {
        var frame = GuestRecord(size: size)
        for (index, byte) in info.record.bytes.enumerated() { frame[index, as: UInt8.self] = byte }
        frame[Offset.stackPointer, as: UInt64.self] = alternateStack.base
        frame[Offset.stackFlags, as: Int32.self] = alternateStack.flags
        frame[Offset.stackSize, as: UInt64.self] = alternateStack.size
        frame[Offset.signalMask, as: UInt64.self] = mask.bits
        frame[Offset.faultAddress, as: UInt64.self] = fault.address
        for n in 0..<31 { frame[Offset.registers + n * 8, as: UInt64.self] = registers[x: n] }
        frame[Offset.sp, as: UInt64.self] = registers.sp
        frame[Offset.pc, as: UInt64.self] = registers.pc
        frame[Offset.pstate, as: UInt64.self] = UInt64(registers.nzcv) | registers.cpu.pointee.pstate
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
        if fault.syndrome != 0 {
            let record = record + Int(fpsimdSize)
            frame[record, as: UInt32.self] = esrMagic
            frame[record + 4, as: UInt32.self] = esrSize
            frame[record + 8, as: UInt64.self] = fault.syndrome
        }
        return frame
    }

    /// Puts a frame's state back into the registers.
    /// - Throws: EINVAL when PSTATE or the records are not what the kernel could have written. The general registers have then
    ///   been changed, as in the kernel.
    static func restore(_ frame: GuestRecord, to registers: GuestRegisters) throws(LinuxErrno) {
        for n in 0..<31 { registers[x: n] = frame[Offset.registers + n * 8, as: UInt64.self] }
        registers.sp = frame[Offset.sp, as: UInt64.self]
        registers.pc = frame[Offset.pc, as: UInt64.self]
        let pstate = frame[Offset.pstate, as: UInt64.self]
        registers.nzcv = UInt32(truncatingIfNeeded: pstate & pstateFlags)
        guard pstate & pstatePrivileged == 0 else { throw .EINVAL }
        registers.cpu.pointee.pstate = pstate & pstateOptions
        guard let fpsimd = try findFPSIMD(frame) else { throw .EINVAL }
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
            switch magic {
            case fpsimdMagic:
                guard length == Int(fpsimdSize), found == nil else { throw .EINVAL }
                found = at
            case esrMagic: break
            default: throw .EINVAL  // what this processor does not have, or nobody knows
            }
            at += length
        }
        throw .EINVAL
    }
}
