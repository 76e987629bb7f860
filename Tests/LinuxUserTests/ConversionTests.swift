import Glibc
import Testing

@testable import GuestMemory
@testable import LinuxUser

@Suite struct ConversionTests {
    /// Every single bit of the open flags, and what x86-64 calls it.
    @Test func openFlagsTradePlaces() {
        #if arch(x86_64)
            let moved: [UInt32: UInt32] = [
                0o40000: 0o200000, 0o100000: 0o400000, 0o200000: 0o40000, 0o400000: 0o100000,
            ]
        #else
            let moved: [UInt32: UInt32] = [:]
        #endif
        for bit in 0..<32 {
            let flag: UInt32 = 1 << UInt32(bit)
            let host = OpenFlags.toHost(flag)
            #expect(host == moved[flag] ?? flag)
            #expect(OpenFlags.toGuest(host) == flag)
        }
        // O_TMPFILE is a bit of its own and O_DIRECTORY.
        #expect(OpenFlags.toHost(0o20040000) == UInt32(bitPattern: 0o20000000) | HostOpenFlags.directory)
    }

    /// Offsets of `asm-generic/stat.h`.
    @Test func statHasTheGuestsLayout() {
        var host = stat()
        host.st_dev = 0x11
        host.st_ino = 0x2222_2222_2222
        host.st_mode = 0o100644
        host.st_nlink = 7
        host.st_uid = 1000
        host.st_gid = 1001
        host.st_rdev = 0x55
        host.st_size = -1
        host.st_blksize = 4096
        host.st_blocks = 88
        host.st_atim = timespec(tv_sec: 1, tv_nsec: 2)
        host.st_mtim = timespec(tv_sec: 3, tv_nsec: 4)
        host.st_ctim = timespec(tv_sec: 5, tv_nsec: 6)
        let record = GuestStat.record(host)
        #expect(record.bytes.count == 128)
        #expect(record[0, as: UInt64.self] == 0x11)
        #expect(record[8, as: UInt64.self] == 0x2222_2222_2222)
        #expect(record[16, as: UInt32.self] == 0o100644)
        #expect(record[20, as: UInt32.self] == 7)
        #expect(record[24, as: UInt32.self] == 1000)
        #expect(record[28, as: UInt32.self] == 1001)
        #expect(record[32, as: UInt64.self] == 0x55)
        #expect(record[48, as: Int64.self] == -1)
        #expect(record[56, as: Int32.self] == 4096)
        #expect(record[64, as: Int64.self] == 88)
        #expect((0..<6).map { record[72 + $0 * 8, as: Int64.self] } == [1, 2, 3, 4, 5, 6])
    }

    @Test func epollEventsArePaddedForTheGuest() {
        var guest = GuestRecord(size: 16)
        guest[0, as: UInt32.self] = 0x8000_0001
        guest[8, as: UInt64.self] = 0x1122_3344_5566_7788
        let host = GuestEpollEvent.toHost(guest)
        let two = GuestRecord(host.bytes + host.bytes)
        let back = GuestEpollEvent.toGuest(two, count: 2)
        #expect(back.bytes == guest.bytes + guest.bytes)
        #if arch(x86_64)
            #expect(host.bytes == [1, 0, 0, 0x80, 0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11])
        #else
            #expect(host.bytes == guest.bytes)
        #endif
    }

    @Test func signalFrameIsTheKernels() {
        typealias Offset = SignalFrame.Offset
        // arch/arm64/include/uapi/asm/{ucontext,sigcontext}.h, relative to their own structures.
        #expect(Offset.context == 128)
        #expect(Offset.signalMask - Offset.context == 40)
        #expect(Offset.machineContext - Offset.context == 176)
        #expect(Offset.registers - Offset.machineContext == 8)
        #expect(Offset.sp - Offset.machineContext == 256)
        #expect(Offset.pc - Offset.machineContext == 264)
        #expect(Offset.pstate - Offset.machineContext == 272)
        #expect(Offset.records - Offset.machineContext == 288)
        #expect((Offset.records) % 16 == 0)
        #expect(SignalFrame.size == 128 + 176 + 288 + 4096)
        #expect(SignalFrame.size % 16 == 0)
    }

    @Test(
        arguments: [
            ("#!/bin/sh\n", "/bin/sh", nil),
            ("#! /bin/sh -e\nrest", "/bin/sh", "-e"),
            ("#!\t/usr/bin/env  python3 -u \t\n", "/usr/bin/env", "python3 -u"),
            ("#!/bin/x", "/bin/x", nil),
        ] as [(String, String, String?)])
    func scriptLines(_ line: String, _ interpreter: String, _ argument: String?) {
        let parsed = ExecPlan.interpreterLine(Array(line.utf8))
        #expect(parsed?.interpreter == Array(interpreter.utf8))
        #expect(parsed?.argument == argument.map { Array($0.utf8) })
    }

    @Test(arguments: ["", "#", "#!", "#! \t\n/bin/sh", "# /bin/sh", "\u{7f}ELF"])
    func noScriptLines(_ text: String) {
        #expect(ExecPlan.interpreterLine(Array(text.utf8)) == nil)
    }

    @Test func recognisesProcFilesOfTheGuest() {
        func file(_ path: String) -> EmulatedFile? { EmulatedFile(path: Array(path.utf8)) { $0 == 42 || $0 == 44 } }
        #expect(file("/proc/self/exe") == .executable)
        #expect(file("//proc//self/exe") == .executable)
        #expect(file("/proc/42/maps") == .maps)
        #expect(file("/proc/cpuinfo") == .cpuInfo)
        #expect(file("/proc/self/cpuinfo") == nil)
        #expect(file("/proc/43/maps") == nil)
        #expect(file("/proc/self/task/42/maps") == .maps)
        #expect(file("/proc/44/task/44/status") == .status)
        #expect(file("/proc/thread-self/smaps") == .maps)
        #expect(file("/proc/self/environ") == .environment)
        #expect(file("/proc/self/task/43/maps") == nil)
        #expect(file("/proc/self/fd/42/maps") == nil)
        #expect(file("/proc/self/task/maps") == nil)
        #expect(file("/proc/99999999999/maps") == nil)
        #expect(file("proc/self/exe") == nil)
        #expect(file("/proc/self/exe/x") == nil)
        #expect(file("") == nil)
    }

    @Test func mapsShowTheGuestsPermissions() {
        let host = """
            00400000-00402000 r--p 00001000 fe:00 77                             /prog
            00402000-00404000 rw-p 00000000 00:00 0                              [heap]
            7f0000000000-7f0000100000 rw-p 00000000 00:00 0 \n
            """
        let areas = [
            VMA(range: 0x401000..<0x402000, protection: [.read, .execute]),
            VMA(range: 0x402000..<0x403000, protection: [.read, .write]),
            VMA(range: 0x7f00_000f_f000..<0x7f00_0010_0000, protection: [.write], isShared: true, label: .stack),
        ]
        let lines = String(decoding: GuestMaps.text(host: Array(host.utf8), areas: areas), as: UTF8.self)
            .split(separator: "\n")
        #expect(lines.count == 3)
        #expect(lines[0] == "00401000-00402000 r-xp 00002000 fe:00 77" + String(repeating: " ", count: 33) + "/prog")
        #expect(lines[1] == "00402000-00403000 rw-p 00000000 00:00 0")
        #expect(lines[2].hasPrefix("7f00000ff000-7f0000100000 -w-s 00000000 00:00 0"))
        #expect(lines[2].hasSuffix(" [stack]"))
    }
}
