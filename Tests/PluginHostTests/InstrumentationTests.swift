import CHost
import CPluginAPI
import Foundation
import IRPasses
import Testing

@testable import PluginHost

extension HostTests {
    /// A plugin that mixes every kind of record; what generated code would do is read from the returned records.
    @Suite struct InstrumentationTests {
        private static let source = """
            #include <qemu-plugin.h>
            #include <stdio.h>
            #include <stdlib.h>
            #include <string.h>
            QEMU_PLUGIN_EXPORT int qemu_plugin_version = QEMU_PLUGIN_VERSION;
            typedef struct { uint64_t a, b; } Counters;
            static struct qemu_plugin_scoreboard *score;
            static char tag;
            static void exec(unsigned int cpu, void *data) { (void)cpu; (void)data; }
            static void mem(unsigned int cpu, qemu_plugin_meminfo_t info, uint64_t vaddr, void *data) {
                (void)cpu; (void)info; (void)vaddr; (void)data;
            }
            static void trans(qemu_plugin_id_t id, struct qemu_plugin_tb *tb) {
                (void)id;
                qemu_plugin_u64 a = qemu_plugin_scoreboard_u64_in_struct(score, Counters, a);
                qemu_plugin_u64 b = qemu_plugin_scoreboard_u64_in_struct(score, Counters, b);
                size_t n = qemu_plugin_tb_n_insns(tb);
                struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, 1);
                unsigned char bytes[8] = {0};
                size_t copied = qemu_plugin_insn_data(insn, bytes, sizeof bytes);
                char *text = qemu_plugin_insn_disas(insn);
                const char *symbol = qemu_plugin_insn_symbol(insn);
                char line[256];
                snprintf(line, sizeof line, "%c %zu %" PRIx64 " %" PRIx64 " %zu %zu %02x%02x%02x%02x %s %s %d %d\\n", tag, n,
                         qemu_plugin_tb_vaddr(tb), qemu_plugin_insn_vaddr(insn), qemu_plugin_insn_size(insn), copied,
                         bytes[0], bytes[1], bytes[2], bytes[3], text, symbol, qemu_plugin_tb_get_insn(tb, n) == NULL,
                         (uintptr_t)qemu_plugin_insn_haddr(insn) == qemu_plugin_insn_vaddr(insn));
                qemu_plugin_outs(line);
                free(text);
                qemu_plugin_register_vcpu_tb_exec_inline_per_vcpu(tb, QEMU_PLUGIN_INLINE_ADD_U64, a, n);
                qemu_plugin_register_vcpu_tb_exec_cond_cb(tb, exec, QEMU_PLUGIN_CB_R_REGS, QEMU_PLUGIN_COND_GE, a, 100, &tag);
                qemu_plugin_register_vcpu_tb_exec_cond_cb(tb, exec, QEMU_PLUGIN_CB_NO_REGS, QEMU_PLUGIN_COND_NEVER, a, 1, NULL);
                qemu_plugin_register_vcpu_tb_exec_cond_cb(tb, exec, QEMU_PLUGIN_CB_NO_REGS, QEMU_PLUGIN_COND_ALWAYS, a, 1, NULL);
                qemu_plugin_register_vcpu_tb_exec_cb(tb, exec, QEMU_PLUGIN_CB_RW_REGS, &tag);
                qemu_plugin_register_vcpu_insn_exec_cb(insn, exec, QEMU_PLUGIN_CB_NO_REGS, NULL);
                qemu_plugin_register_vcpu_insn_exec_inline_per_vcpu(insn, QEMU_PLUGIN_INLINE_STORE_U64, b, 7);
                qemu_plugin_register_vcpu_insn_exec_cond_cb(insn, exec, QEMU_PLUGIN_CB_NO_REGS, QEMU_PLUGIN_COND_NE, b, 7, NULL);
                qemu_plugin_register_vcpu_mem_cb(insn, mem, QEMU_PLUGIN_CB_R_REGS, QEMU_PLUGIN_MEM_W, &tag);
                qemu_plugin_register_vcpu_mem_inline_per_vcpu(insn, QEMU_PLUGIN_MEM_RW, QEMU_PLUGIN_INLINE_ADD_U64, b, 1);
                /* Nothing of this may count. */
                qemu_plugin_u64 outside = {score, 9}, none = {NULL, 0};
                qemu_plugin_register_vcpu_tb_exec_inline_per_vcpu(tb, QEMU_PLUGIN_INLINE_ADD_U64, outside, 1);
                qemu_plugin_register_vcpu_tb_exec_inline_per_vcpu(tb, QEMU_PLUGIN_INLINE_ADD_U64, none, 1);
                qemu_plugin_register_vcpu_tb_exec_inline_per_vcpu(tb, (enum qemu_plugin_op)9, a, 1);
                qemu_plugin_register_vcpu_tb_exec_cb(tb, exec, (enum qemu_plugin_cb_flags)9, NULL);
                qemu_plugin_register_vcpu_tb_exec_cb(tb, NULL, QEMU_PLUGIN_CB_NO_REGS, NULL);
            }
            void *test_address(const char *what) {
                return !strcmp(what, "exec") ? (void *)exec : !strcmp(what, "mem") ? (void *)mem : (void *)&tag;
            }
            QEMU_PLUGIN_EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc, char **argv) {
                (void)info;
                tag = argc ? argv[0][strlen(argv[0]) - 1] : '-';
                score = qemu_plugin_scoreboard_new(sizeof(Counters));
                qemu_plugin_register_vcpu_tb_trans_cb(id, trans);
                return 0;
            }
            """

        private let tb = TBDescription(pc: 0x400590, words: [0xd503_201f, 0x1234_5678])

        @Test func recordsKeepTheirOrderAcrossKindsAndPlugins() throws {
            let paths = try [TestPlugin.compile(Self.source), TestPlugin.compile(Self.source)]
            let fixture = try Fixture()
            #expect(!fixture.host.wantsTranslation)
            try fixture.load("\(paths[0]),name=A", "\(paths[1]),name=B")
            #expect(fixture.host.wantsTranslation)
            try fixture.startVCPU(0)
            let result = fixture.host.instrument(tb: tb)

            // The plugin loaded last is asked first.
            #expect(
                fixture.services.takeOutput() == """
                    B 2 400590 400594 4 4 78563412 udf #305419896 main 1 1
                    A 2 400590 400594 4 4 78563412 udf #305419896 main 1 1

                    """)
            let base = UInt64(NT_SCOREBOARD_OFFSET)  // A allocated first
            let parts = try zip([paths[1], paths[0]], [base + 16, base]).map { path, offset in
                try expected(path, offset)
            }
            #expect(result.tb == parts[0].tb + parts[1].tb)
            #expect(result.insns == [[], parts[0].insns[1] + parts[1].insns[1]])
            #expect(result.mem == [[], parts[0].mem[1] + parts[1].mem[1]])
        }

        private func expected(_ path: String, _ offset: UInt64) throws -> TBInstrumentation {
            func address(_ what: String) throws -> UInt64 {
                let library = try #require(dlopen(path, RTLD_NOW | RTLD_NOLOAD))
                let lookup = try #require(dlsym(library, "test_address"))
                typealias Lookup = @convention(c) (UnsafePointer<CChar>) -> UnsafeMutableRawPointer
                return UInt64(UInt(bitPattern: unsafeBitCast(lookup, to: Lookup.self)(what)))
            }
            let (exec, mem, tag) = try (address("exec"), address("mem"), address("tag"))
            let (a, b) = (offset, offset + 8)
            return TBInstrumentation(
                tb: [
                    .add(offset: a, value: 2),
                    .callIf(
                        condition: .greaterOrEqual, offset: a, immediate: 100, function: exec, userdata: tag, regs: 1),
                    .call(function: exec, userdata: 0, regs: 0),
                    .call(function: exec, userdata: tag, regs: 2),
                ],
                insns: [
                    [],
                    [
                        .call(function: exec, userdata: 0, regs: 0),
                        .store(offset: b, value: 7),
                        .callIf(condition: .notEqual, offset: b, immediate: 7, function: exec, userdata: 0, regs: 0),
                    ],
                ],
                mem: [
                    [],
                    [
                        .init(directions: .write, record: .call(function: mem, userdata: tag, regs: 1)),
                        .init(directions: [.read, .write], record: .add(offset: b, value: 1)),
                    ],
                ])
        }

        @Test func everyConditionHasItsOwnRecord() throws {
            let expected: [(qemu_plugin_cond, InstrumentationCondition)] = [
                (QEMU_PLUGIN_COND_EQ, .equal), (QEMU_PLUGIN_COND_NE, .notEqual), (QEMU_PLUGIN_COND_LT, .less),
                (QEMU_PLUGIN_COND_LE, .lessOrEqual), (QEMU_PLUGIN_COND_GT, .greater),
                (QEMU_PLUGIN_COND_GE, .greaterOrEqual),
            ]
            let fixture = try Fixture()
            let scoreboard = pluginScoreboardNew(8)
            let entry = qemu_plugin_u64(score: scoreboard, offset: 0)
            fixture.host.translation.begin(tb)
            let callback: qemu_plugin_vcpu_udata_cb_t = { _, _ in }
            for (condition, _) in expected {
                pluginRegisterTBExecCond(
                    fixture.host.translation.tbHandle, callback, QEMU_PLUGIN_CB_NO_REGS, condition, entry, 3, nil)
            }
            let conditions = fixture.host.translation.end().tb.map { record -> InstrumentationCondition? in
                if case .callIf(let condition, _, 3, _, _, _) = record { condition } else { nil }
            }
            #expect(conditions == expected.map { $0.1 })
        }

        @Test func handlesAreDeadAfterTheCallback() throws {
            let fixture = try Fixture()
            fixture.host.translation.begin(tb)
            let insn = pluginTBGetInsn(fixture.host.translation.tbHandle, 0)
            #expect(insn != nil)
            #expect(fixture.host.translation.end().isEmpty)
            pluginRegisterInsnExec(insn, { _, _ in }, QEMU_PLUGIN_CB_NO_REGS, nil)
            pluginRegisterTBExec(fixture.host.translation.tbHandle, { _, _ in }, QEMU_PLUGIN_CB_NO_REGS, nil)
            fixture.host.translation.begin(TBDescription(pc: 0x1000, words: [0]))
            #expect(pluginTBGetInsn(fixture.host.translation.tbHandle, 1) == nil)
            #expect(fixture.host.translation.end().isEmpty)
        }

        @Test func nullHandlesAreTolerated() {
            #expect(pluginTBInsnCount(nil) == 0)
            #expect(pluginTBGetInsn(nil, 0) == nil)
            #expect(pluginInsnSize(nil) == 0)
            #expect(pluginInsnSymbol(nil) == nil)
            pluginRegisterTBExec(nil, { _, _ in }, QEMU_PLUGIN_CB_NO_REGS, nil)
        }

        @Test(arguments: [(0, 0), (2, 2), (4, 4), (9, 4), (-1, 4)])
        func instructionDataIsCutToTheBuffer(length: Int, copied: Int) throws {
            let fixture = try Fixture()
            fixture.host.translation.begin(tb)
            var bytes: [UInt8] = [0xee, 0xee, 0xee, 0xee, 0xee]
            let insn = pluginTBGetInsn(fixture.host.translation.tbHandle, 1)
            #expect(pluginInsnData(insn, &bytes, length) == copied)
            #expect(bytes[..<copied] == [0x78, 0x56, 0x34, 0x12][..<copied])
            #expect(bytes[copied...].allSatisfy { $0 == 0xee })
            _ = fixture.host.translation.end()
        }
    }
}
