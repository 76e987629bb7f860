import CPluginAPI
import Foundation
import Testing

@testable import PluginHost

extension HostTests {
    @Suite struct EventTests {
        /// Says every event it gets. `x` in the name argument is its tag; `reset` and `uninstall` are exported triggers.
        private static let source = """
            #define QEMU_PLUGIN_VERSION 6
            #include <qemu-plugin.h>
            #include <stdio.h>
            #include <string.h>
            QEMU_PLUGIN_EXPORT int qemu_plugin_version = QEMU_PLUGIN_VERSION;
            static char tag;
            static qemu_plugin_id_t me;
            static void say(const char *what, long a, long b) {
                char line[128];
                snprintf(line, sizeof line, "%c %s %ld %ld\\n", tag, what, a, b);
                qemu_plugin_outs(line);
            }
            static void init(qemu_plugin_id_t id, unsigned int cpu) { say("init", cpu, qemu_plugin_num_vcpus()); (void)id; }
            static void leave(qemu_plugin_id_t id, unsigned int cpu) { say("exit", cpu, id == me); }
            static void flush(qemu_plugin_id_t id) { say("flush", id == me, 0); }
            static void end(qemu_plugin_id_t id, void *data) { say("atexit", id == me, (long)data); printf("%s", ""); }
            static void sys(qemu_plugin_id_t id, unsigned int cpu, int64_t num, uint64_t a1, uint64_t a2, uint64_t a3,
                            uint64_t a4, uint64_t a5, uint64_t a6, uint64_t a7, uint64_t a8) {
                (void)id; (void)cpu;
                say("syscall", (long)num, (long)(a1 + 10 * a2 + 100 * a3 + 1000 * a4 + 10000 * a5 + 100000 * a6 + a7 + a8));
            }
            static void ret(qemu_plugin_id_t id, unsigned int cpu, int64_t num, int64_t r) { (void)id; (void)cpu; say("ret", (long)num, (long)r); }
            static bool filter(qemu_plugin_id_t id, unsigned int cpu, int64_t num, uint64_t a1, uint64_t a2, uint64_t a3,
                               uint64_t a4, uint64_t a5, uint64_t a6, uint64_t a7, uint64_t a8, uint64_t *result) {
                (void)id; (void)cpu; (void)a1; (void)a2; (void)a3; (void)a4; (void)a5; (void)a6; (void)a7; (void)a8;
                *result = 77;
                return num == 172;
            }
            static void was_reset(qemu_plugin_id_t id) {
                say("reset", 0, 0);
                qemu_plugin_register_flush_cb(id, flush);
            }
            static void gone(qemu_plugin_id_t id) { say("gone", id == me, 0); }
            static void each(qemu_plugin_id_t id, unsigned int cpu) { (void)id; say("each", cpu, 0); }
            void trigger(const char *what) {
                if (!strcmp(what, "reset")) qemu_plugin_reset(me, was_reset);
                if (!strcmp(what, "uninstall")) qemu_plugin_uninstall(me, gone);
                if (!strcmp(what, "each")) qemu_plugin_vcpu_for_each(me, each);
                if (!strcmp(what, "quiet")) qemu_plugin_register_vcpu_init_cb(me, NULL);
                if (!strcmp(what, "again")) qemu_plugin_register_vcpu_init_cb(me, init);
            }
            __attribute__((destructor)) static void closed(void) { if (tag) say("closed", 0, 0); }
            QEMU_PLUGIN_EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc, char **argv) {
                (void)info; (void)argc;
                me = id;
                tag = argv[0][strlen(argv[0]) - 1];
                qemu_plugin_register_vcpu_init_cb(id, init);
                qemu_plugin_register_vcpu_exit_cb(id, leave);
                qemu_plugin_register_flush_cb(id, flush);
                qemu_plugin_register_atexit_cb(id, end, (void *)5);
                if (tag == 'S') {
                    qemu_plugin_register_vcpu_syscall_cb(id, sys);
                    qemu_plugin_register_vcpu_syscall_ret_cb(id, ret);
                    qemu_plugin_register_vcpu_syscall_filter_cb(id, filter);
                }
                return 0;
            }
            """

        private func trigger(_ path: String, _ what: String) throws {
            let library = try #require(dlopen(path, RTLD_NOW | RTLD_NOLOAD))
            defer { dlclose(library) }
            let function = try #require(dlsym(library, "trigger"))
            unsafeBitCast(function, to: (@convention(c) (UnsafePointer<CChar>) -> Void).self)(what)
        }

        @Test func lastLoadedIsCalledFirst() throws {
            let (a, b) = try (TestPlugin.compile(Self.source), TestPlugin.compile(Self.source))
            let fixture = try Fixture()
            try fixture.load("\(a),n=A", "\(b),n=B")
            try fixture.startVCPU(0)
            try fixture.startVCPU(2)
            #expect(fixture.services.takeOutput() == "B init 0 1\nA init 0 1\nB init 2 3\nA init 2 3\n")
            try trigger(a, "each")
            #expect(fixture.services.takeOutput() == "A each 0 0\nA each 2 0\n")
            fixture.host.vcpuExit(2)
            try trigger(a, "each")
            #expect(fixture.services.takeOutput() == "B exit 2 1\nA exit 2 1\nA each 0 0\n")
            #expect(fixture.host.vcpuCount == 3)
            // Replacing keeps the place; leaving and coming back takes the first.
            try trigger(a, "again")
            try fixture.startVCPU(1)
            #expect(fixture.services.takeOutput() == "B init 1 3\nA init 1 3\n")
            try trigger(a, "quiet")
            try trigger(a, "again")
            try fixture.startVCPU(1)
            #expect(fixture.services.takeOutput() == "A init 1 3\nB init 1 3\n")
            fixture.host.flush()
            #expect(fixture.services.takeOutput() == "B flush 1 0\nA flush 1 0\n")
            fixture.host.atExit()
            fixture.host.atExit()
            fixture.host.flush()
            #expect(fixture.services.takeOutput() == "B atexit 1 5\nA atexit 1 5\n")
        }

        @Test func syscallsAreSeenAndFiltered() throws {
            let path = try TestPlugin.compile(Self.source)
            let fixture = try Fixture()
            #expect(!fixture.host.wantsSyscalls)
            try fixture.load("\(path),n=S")
            #expect(fixture.host.wantsSyscalls)
            try fixture.startVCPU(0)
            _ = fixture.services.takeOutput()
            #expect(fixture.host.syscall(0, number: 64, (1, 2, 3, 4, 5, 6)) == .proceed)
            fixture.host.syscallReturn(0, number: 64, result: -9)
            #expect(fixture.host.syscall(0, number: 172, (0, 0, 0, 0, 0, 0)) == .answered(77))
            #expect(fixture.services.takeOutput() == "S syscall 64 654321\nS ret 64 -9\nS syscall 172 0\n")
            fixture.host.atExit()
            #expect(!fixture.host.wantsSyscalls)
        }

        @Test func resetAndUninstallWaitForTheSafePoint() throws {
            let path = try TestPlugin.compile(Self.source)
            let fixture = try Fixture()
            try fixture.load("\(path),n=R")
            try fixture.startVCPU(0)
            _ = fixture.services.takeOutput()
            try trigger(path, "reset")
            try trigger(path, "reset")
            #expect(fixture.services.safePointRequests == 1)
            #expect(fixture.host.hasSafeWork)
            #expect(fixture.services.takeOutput() == "")
            fixture.runSafeWork()
            #expect(!fixture.host.hasSafeWork)
            #expect(fixture.services.takeOutput() == "R flush 1 0\nR reset 0 0\n")
            // Only what the completion registered is left.
            try fixture.startVCPU(0)
            fixture.host.flush()
            #expect(fixture.services.takeOutput() == "R flush 1 0\n")

            try trigger(path, "uninstall")
            try trigger(path, "reset")
            #expect(fixture.services.safePointRequests == 2)
            fixture.runSafeWork()
            #expect(fixture.services.takeOutput() == "R flush 1 0\nR gone 1 0\nR closed 0 0\n")
            #expect(dlopen(path, RTLD_NOW | RTLD_NOLOAD) == nil)
            fixture.host.flush()
            fixture.host.atExit()
            #expect(fixture.services.takeOutput() == "")
        }

        @Test func withoutAVCPUUninstallIsDoneAtOnce() throws {
            let path = try TestPlugin.compile(Self.source)
            let fixture = try Fixture()
            try fixture.load("\(path),n=U")
            // The trigger's own reference keeps the library until it returns.
            try trigger(path, "uninstall")
            #expect(fixture.services.safePointRequests == 0)
            #expect(fixture.services.takeOutput() == "U gone 1 0\nU closed 0 0\n")
        }

        @Test func unknownIdsAreRefused() throws {
            let fixture = try Fixture()
            pluginRegisterFlush(12345, UnsafeRawPointer(bitPattern: 1), nil)
            pluginReset(12345, nil, nil)
            fixture.host.flush()
            #expect(!fixture.host.hasSafeWork)
        }
    }
}
