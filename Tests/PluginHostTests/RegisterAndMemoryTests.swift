import CHost
import CPluginAPI
import Foundation
import GuestState
import IRPasses
import Testing

@testable import PluginHost

extension HostTests {
    @Suite struct RegisterAndMemoryTests {
        let fixture: Fixture
        let cpu: UnsafeMutablePointer<nt_cpu>
        let registers: GuestRegisters
        let glib: GLib

        init() throws {
            fixture = try Fixture()
            cpu = try fixture.startVCPU(0)
            registers = GuestRegisters(cpu)
            glib = try #require(GLib.shared)
        }

        private func newBytes(_ bytes: [UInt8] = []) throws -> UnsafeMutablePointer<GByteArray> {
            let library = try #require(dlopen("libglib-2.0.so.0", RTLD_NOW | RTLD_NOLOAD))
            let make = try #require(dlsym(library, "g_byte_array_new"))
            typealias Make = @convention(c) () -> UnsafeMutablePointer<GByteArray>?
            let array = try #require(unsafeBitCast(make, to: Make.self)())
            if !bytes.isEmpty { _ = glib.appendBytes(array, bytes, UInt32(bytes.count)) }
            return array
        }

        private func contents(_ array: UnsafeMutablePointer<GByteArray>) -> [UInt8] {
            Array(UnsafeBufferPointer(start: array.pointee.data, count: Int(array.pointee.len)))
        }

        private func allow(_ flags: qemu_plugin_cb_flags) { cpu.pointee.reg_permission = UInt32(flags.rawValue) }

        private var descriptors: [(name: String, feature: String, handle: OpaquePointer?)] {
            guard let array = pluginGetRegisters(5) else { return [] }
            return array.pointee.data.withMemoryRebound(
                to: qemu_plugin_reg_descriptor.self, capacity: Int(array.pointee.len)
            ) { list in
                (0..<Int(array.pointee.len)).map {
                    (String(cString: list[$0].name), String(cString: list[$0].feature), list[$0].handle)
                }
            }
        }

        private func handle(_ name: String) throws -> OpaquePointer {
            try #require(descriptors.first { $0.name == name }?.handle)
        }

        @Test func listIsInGDBsOrder() throws {
            let list = descriptors
            let core = (0...30).map { "x\($0)" } + ["sp", "pc", "cpsr"]
            let vector = (0...31).map { "v\($0)" } + ["fpsr", "fpcr"]
            let pointers = ["pauth_dmask", "pauth_cmask", "pauth_dmask_high", "pauth_cmask_high"]
            let fixed = core + vector + pointers + ["tpidr"]
            #expect(list.map(\.name).prefix(fixed.count) == fixed[...])
            #expect(
                list.map(\.feature)
                    == core.map { _ in "org.gnu.gdb.aarch64.core" } + vector.map { _ in "org.gnu.gdb.aarch64.fpu" }
                    + pointers.map { _ in "org.gnu.gdb.aarch64.pauth_v2" } + ["org.gnu.gdb.aarch64.tls"]
                    + list.dropFirst(fixed.count).map { _ in "org.qemu.gdb.arm.sys.regs" })
            let system = list.dropFirst(fixed.count).map(\.name)
            for name in ["MIDR_EL1", "CTR_EL0", "ID_AA64PFR0_EL1", "ID_AA64ISAR0_EL1", "TPIDR_EL0", "FPSR", "CNTFRQ_EL0"] {
                #expect(system.contains(name))
            }
            #expect(Set(list.map(\.handle)).count == list.count)
            #expect(list.allSatisfy { $0.handle != nil })
        }

        @Test func systemRegistersHaveTheirValues() throws {
            allow(QEMU_PLUGIN_CB_R_REGS)
            cpu.pointee.tpidr_el0 = 0x77
            cpu.pointee.fpsr = 0x11
            for (name, value) in [
                ("MIDR_EL1", 0x1234), ("TPIDR_EL0", 0x77), ("FPSR", 0x11), ("CNTFRQ_EL0", 62_500_000),
                ("pauth_cmask", 0x007f_0000_0000_0000), ("DCZID_EL0", 4),
            ] as [(String, UInt64)] {
                let buffer = try newBytes()
                #expect(pluginReadRegister(try handle(name), buffer) == 8)
                #expect(contents(buffer) == withUnsafeBytes(of: value) { Array($0) }, "\(name)")
            }
        }

        @Test func descriptorsOfAPI6SayWhatIsReadOnly() throws {
            let array = try #require(pluginGetRegisters(6))
            let count = Int(array.pointee.len)
            #expect(count == descriptors.count)
            let list = UnsafeRawPointer(array.pointee.data).bindMemory(to: PluginRegisterDescriptor.self, capacity: count)
            #expect(MemoryLayout<PluginRegisterDescriptor>.stride == 32)
            for (index, short) in descriptors.enumerated() {
                let long = list[index]
                #expect(long.handle == short.handle)
                #expect(long.name.map { String(cString: $0) } == short.name)
                let isFixed = short.name == "pc" || short.feature.contains("sys.regs") || short.feature.contains("pauth")
                #expect(long.isReadOnly == isFixed, "\(short.name)")
            }
        }

        /// What the `insn` plugin insists on at vCPU start.
        @Test func everyListedRegisterCanBeRead() throws {
            allow(QEMU_PLUGIN_CB_RW_REGS)
            for descriptor in descriptors {
                let buffer = try newBytes()
                let size = pluginReadRegister(descriptor.handle, buffer)
                #expect(size > 0, "\(descriptor.name)")
                #expect(Int(size) == Int(buffer.pointee.len))
            }
        }

        @Test func readingAppendsLittleEndianValues() throws {
            allow(QEMU_PLUGIN_CB_R_REGS)
            registers[x: 1] = 0x1122_3344_5566_7788
            registers[v: 2] = (0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908)
            registers.nzcv = 0xa000_0000
            let buffer = try newBytes()
            #expect(pluginReadRegister(try handle("x1"), buffer) == 8)
            #expect(pluginReadRegister(try handle("cpsr"), buffer) == 4)
            #expect(pluginReadRegister(try handle("v2"), buffer) == 16)
            registers.pc = 0x400590
            #expect(pluginReadRegister(try handle("pc"), buffer) == 8)
            #expect(
                contents(buffer)
                    == [0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11, 0, 0, 0, 0xa0] + (0...15)
                    + [0x90, 0x05, 0x40, 0, 0, 0, 0, 0])
        }

        @Test func permissionIsNeeded() throws {
            let buffer = try newBytes([1, 2, 3, 4, 5, 6, 7, 8])
            allow(QEMU_PLUGIN_CB_NO_REGS)
            #expect(pluginReadRegister(try handle("x0"), buffer) == -1)
            #expect(pluginWriteRegister(try handle("x0"), buffer, true) == -1)
            allow(QEMU_PLUGIN_CB_R_REGS)
            #expect(pluginReadRegister(OpaquePointer(bitPattern: 1000), buffer) == 0)
            #expect(pluginReadRegister(nil, buffer) == 0)
            #expect(pluginWriteRegister(try handle("x0"), buffer, true) == -1)
            allow(QEMU_PLUGIN_CB_RW_REGS)
            #expect(pluginWriteRegister(try handle("x0"), try newBytes(), true) == -1)
            #expect(pluginWriteRegister(OpaquePointer(bitPattern: 1000), buffer, true) == 0)
            #expect(pluginWriteRegister(try handle("x0"), buffer, true) == 8)
            nt_thread_set_cpu(nil)
            #expect(pluginReadRegister(OpaquePointer(bitPattern: 1), buffer) == -1)
        }

        @Test func writingTakesTheStartOfTheBuffer() throws {
            allow(QEMU_PLUGIN_CB_RW_REGS)
            let bytes = try newBytes(Array(1...20))
            #expect(pluginWriteRegister(try handle("x7"), bytes, true) == 8)
            #expect(registers[x: 7] == 0x0807_0605_0403_0201)
            #expect(pluginWriteRegister(try handle("sp"), bytes, true) == 8)
            #expect(registers.sp == 0x0807_0605_0403_0201)
            #expect(pluginWriteRegister(try handle("v31"), bytes, true) == 16)
            #expect(registers[v: 31] == (0x0807_0605_0403_0201, 0x100f_0e0d_0c0b_0a09))
            #expect(pluginWriteRegister(try handle("tpidr"), bytes, true) == 8)
            #expect(cpu.pointee.tpidr_el0 == 0x0807_0605_0403_0201)
            #expect(pluginWriteRegister(try handle("fpcr"), bytes, true) == 4)
            #expect(cpu.pointee.fpcr == 0x0403_0201)
            #expect(pluginWriteRegister(try handle("cpsr"), try newBytes([0xff, 0xff, 0xff, 0x6f]), true) == 4)
            #expect(registers.nzcv == 0x6000_0000)
            // DIT and SSBS are kept, nothing else.
            #expect(cpu.pointee.pstate == 0x0100_1000)
            let readBack = try newBytes()
            #expect(pluginReadRegister(try handle("cpsr"), readBack) == 4)
            #expect(contents(readBack) == [0x00, 0x10, 0x00, 0x61])
            #expect(pluginWriteRegister(try handle("pc"), bytes, true) == 8)
            #expect(pluginWriteRegister(try handle("pc"), bytes, false) == 0)
            #expect(registers.pc == 0)
            #expect(pluginWriteRegister(try handle("MIDR_EL1"), bytes, true) == 0)
        }

        @Test func memoryReadsReplaceAndFailCleanly() throws {
            fixture.services.memory = [0x1000: 1, 0x1001: 2, 0x1002: 3]
            let buffer = try newBytes([9, 9, 9, 9, 9])
            #expect(!pluginReadMemory(0x1000, buffer, 0))
            #expect(contents(buffer) == [9, 9, 9, 9, 9])
            #expect(pluginReadMemory(0x1000, buffer, 3))
            #expect(contents(buffer) == [1, 2, 3])
            #expect(!pluginReadMemory(0x1001, buffer, 4))
            #expect(buffer.pointee.len == 4)
            #expect(!pluginWriteMemory(0x1000, try newBytes()))
            #expect(pluginWriteMemory(0x1001, try newBytes([7, 8])))
            #expect(fixture.services.memory == [0x1000: 1, 0x1001: 7, 0x1002: 8])
        }

        @Test(arguments: 0...4)
        func memoryValuesAreCutToTheirSize(shift: Int) {
            cpu.pointee.mem_value = nt_v128(lo: 0x8877_6655_4433_2211, hi: 0xffee_ddcc_bbaa_9988)
            let info = MemoryAccessInfo(sizeShift: shift, isStore: shift & 1 != 0, isSignExtended: shift == 2).rawValue
            #expect(pluginMemSizeShift(info) == UInt32(shift))
            #expect(pluginMemIsStore(info) == (shift & 1 != 0))
            #expect(pluginMemIsSignExtended(info) == (shift == 2))
            #expect(!pluginMemIsBigEndian(info))
            let value = pluginMemGetValue(info)
            #expect(Int(value.type.rawValue) == shift)
            let bits = min(64, 8 << shift)
            #expect(value.data.u128.low == 0x8877_6655_4433_2211 & (UInt64.max >> UInt64(64 - bits)))
            #expect(value.data.u128.high == (shift == 4 ? 0xffee_ddcc_bbaa_9988 : 0))
        }

        @Test func programIsKnownOnceLoaded() throws {
            #expect(pluginPathToBinary() == nil)
            #expect(pluginStartCode() == 0)
            fixture.services.program = PluginProgramInfo(path: "/bin/guest", startCode: 1, endCode: 2, entry: 3)
            let path = try #require(pluginPathToBinary())
            #expect(String(cString: path) == "/bin/guest")
            free(UnsafeMutableRawPointer(mutating: path))
            #expect([pluginStartCode(), pluginEndCode(), pluginEntryCode()] == [1, 2, 3])
        }
    }
}
