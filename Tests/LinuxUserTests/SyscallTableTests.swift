import CHost
import Glibc
import Testing

@testable import LinuxUser

@Suite struct SyscallTableTests {
    /// asm-generic has 0...294 but for the architecture's own 244...259, and 424...469 but for none.
    @Test func everyArm64CallHasARow() {
        for number in 0..<UInt32(470) {
            let exists = number <= 243 || (260...294).contains(number) || number >= 424
            #expect((SyscallTable.row(number) != nil) == exists, "\(number)")
        }
        #expect(SyscallTable.row(470) == nil)
        #expect(SyscallTable.row(.max) == nil)
    }

    @Test func signaturesAreFormattable() {
        for row in SyscallTable.rows {
            guard let row else { continue }
            let parts = row.signature.description.split(separator: ">", omittingEmptySubsequences: false)
            #expect(parts.count <= 2 && (parts.first?.count ?? 0) <= 6, "\(row.name)")
            for letter in parts.joined() { #expect(!Strace.format(letter, 0).isEmpty, "\(row.name)") }
        }
    }

    /// Calls that go straight to the host must exist there; the three tables of numbers have to agree.
    @Test func hostRowsHaveHostNumbers() {
        for (number, row) in SyscallTable.rows.enumerated() {
            guard let row, case .host = row.handling else { continue }
            #expect(nt_linux_host_number(UInt32(number)) >= 0, "\(row.name)")
        }
        #if arch(x86_64)
            #expect(nt_linux_host_number(63) == 0)
            #expect(nt_linux_host_number(64) == 1)
            #expect(nt_linux_host_number(56) == 257)
            #expect(nt_linux_host_number(94) == 231)
            #expect(nt_linux_host_number(260) == 61)
            #expect(nt_linux_host_number(18) == -1)
            #expect(nt_linux_host_number(439) == 439)
        #endif
        #expect(nt_linux_host_number(.max) == -1)
    }

    @Test func flagNamesInTraces() {
        // A string at a bad address is tried.
        #expect(nt_signals_install_faults() == 0)
        #expect(Strace.format("O", 0o2040001) == "O_WRONLY|O_DIRECTORY|O_CLOEXEC")
        #expect(Strace.format("M", 0x22) == "MAP_PRIVATE|MAP_ANONYMOUS")
        #expect(Strace.format("P", 5) == "PROT_READ|PROT_EXEC")
        #expect(Strace.format("c", 0x1200011) == "CLONE_CHILD_CLEARTID|CLONE_CHILD_SETTID|0x11")
        #expect(Strace.format("D", UInt64(bitPattern: -100)) == "AT_FDCWD")
        #expect(Strace.format("d", 0xffff_ffff) == "-1")
        #expect(Strace.format("s", 8) == "0x0000000000000008")
    }

    @Test func userMemoryReportsFaults() throws {
        let page = try #require(mmap(nil, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))
        defer { munmap(page, 8192) }
        mprotect(page + 4096, 4096, PROT_NONE)
        #expect(nt_signals_install_faults() == 0)
        let end = UInt64(UInt(bitPattern: page)) + 4096
        try UserMemory.write(Array("abc\0".utf8), to: end - 4)
        #expect(try UserMemory.readString(end - 4) == Array("abc".utf8))
        #expect(try UserMemory.read(end - 8, as: UInt64.self) == 0x0063_6261_0000_0000)
        #expect(throws: LinuxErrno.EFAULT) { try UserMemory.read(end - 4, as: UInt64.self) }
        #expect(throws: LinuxErrno.EFAULT) { try UserMemory.write(UInt64(1), to: end - 1) }
        try UserMemory.write(UInt8(65), to: end - 1)
        #expect(throws: LinuxErrno.EFAULT) { try UserMemory.readString(end - 4) }
        #expect(throws: LinuxErrno.ENAMETOOLONG) { try UserMemory.readString(end - 4, limit: 4) }
        #expect(throws: LinuxErrno.EFAULT) { try UserMemory.readBytes(0, count: 1) }
        #expect(throws: LinuxErrno.EFAULT) { try UserMemory.readBytes(.max - 3, count: 16) }
        #expect(throws: LinuxErrno.EFAULT) { try UserMemory.readStringArray(end - 8) }
    }
}
