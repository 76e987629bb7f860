import CHost
import Foundation
import GuestState
import IRPasses
import Synchronization
import Testing

@testable import PluginHost

extension HostTests {
    /// Many times, and on many threads. `make test-tsan` runs these under ThreadSanitizer.
    @Suite struct StressTests {
        private static func residentPages() -> Int {
            let text = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8)) ?? ""
            return text.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
        }

        /// Library, record, id, arguments, scoreboard: all of it goes again. In a process of its own: the tests beside it allocate, too.
        @Test func installingAndUninstallingDoesNotGrow() async {
            await #expect(processExitsWith: .success) { try Self.installAndUninstall(cycles: 100_000) }
        }

        private static func installAndUninstall(cycles: Int) throws {
            let path = try TestPlugin.compile(
                """
                #include <qemu-plugin.h>
                #include <stdlib.h>
                QEMU_PLUGIN_EXPORT int qemu_plugin_version = QEMU_PLUGIN_VERSION;
                static struct qemu_plugin_scoreboard *score;
                static void on_tb(qemu_plugin_id_t id, struct qemu_plugin_tb *tb) { (void)id; (void)tb; }
                static void bye(qemu_plugin_id_t id, void *data) { (void)id; (void)data; }
                __attribute__((destructor)) static void closed(void) { qemu_plugin_scoreboard_free(score); }
                QEMU_PLUGIN_EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc, char **argv) {
                    (void)info;
                    score = qemu_plugin_scoreboard_new(4096);
                    qemu_plugin_register_vcpu_tb_trans_cb(id, on_tb);
                    qemu_plugin_register_atexit_cb(id, bye, argv);
                    return argc != 2;
                }
                """)
            let fixture = try Fixture()
            var early = 0
            for cycle in 0..<cycles {
                try fixture.load("\(path),a=1,b=2")
                let id = try #require(fixture.host.ids.first)
                fixture.host.request(.uninstall, id, nil, nil)
                fixture.host.reclaim()
                if cycle == cycles / 10 { early = Self.residentPages() }
            }
            #expect(fixture.host.ids.isEmpty)
            #expect(dlopen(path, RTLD_NOW | RTLD_NOLOAD) == nil)
            // Pages of 4 KiB; of 90,000 leaks of 64 bytes there would be 1400.
            #expect(Self.residentPages() - early < 600)
        }

        /// Eight threads do what vCPUs do, while plugins reset themselves, change their subscriptions and are uninstalled.
        @Test(arguments: [5, 7])
        func eventsOnManyThreads(version: Int) throws {
            let victim = try TestPlugin.compile(file: "storm", version: version)
            let plugin = try TestPlugin.compile(file: "storm", version: 12 - version)
            let fixture = try Fixture()
            try fixture.load("\(victim),victim=on", "\(plugin),cycles=300")
            try fixture.startVCPU(0)
            let crowd = Crowd(fixture)
            for index in 1..<8 { try crowd.start(index) }
            var done = 0
            while crowd.isBusy {
                let wanted = fixture.services.safePointRequests
                if wanted != done {
                    done = wanted
                    fixture.runSafeWork()
                }
                crowd.work(0, rounds: 1)
            }
            fixture.runSafeWork()
            #expect(fixture.host.ids.count == 1)
            #expect(done > 0)
            nt_thread_set_cpu(nil)
        }
    }
}

/// Threads that play vCPUs.
private final class Crowd: @unchecked Sendable {
    // @unchecked: immutable, apart from an atomic count.
    let host: PluginHost
    let arena: VCPUArena
    private let busy = Atomic(0)

    init(_ fixture: Fixture) {
        host = fixture.host
        arena = fixture.arena
    }

    var isBusy: Bool { busy.load(ordering: .acquiring) > 0 }

    func start(_ index: Int) throws {
        let cpu = try #require(arena.activate(index))
        busy.add(1, ordering: .relaxed)
        let address = UInt(bitPattern: cpu)
        Thread.detachNewThread { [self] in
            nt_thread_set_cpu(UnsafeMutablePointer(bitPattern: address))
            host.vcpuInit(index)
            work(index, rounds: 2000)
            host.vcpuExit(index)
            nt_thread_set_cpu(nil)
            busy.subtract(1, ordering: .releasing)
        }
    }

    func work(_ index: Int, rounds: Int) {
        for round in 0..<rounds {
            let decision = host.syscall(index, number: 172, (1, 2, 3, 4, 5, 6))
            #expect(decision == .proceed)
            host.syscallReturn(index, number: 172, result: 0)
            host.discontinuity(index, .hostCall, from: 0, to: 4)
            if host.wantsTranslation {
                let words: ContiguousArray<UInt32> = [0xd503_201f, 0xd65f_03c0]
                _ = host.instrument(tb: TBDescription(pc: UInt64(round * 8), words: words))
            }
        }
    }
}
