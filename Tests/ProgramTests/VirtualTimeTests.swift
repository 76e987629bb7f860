import Foundation
import TestSupport
import Testing

/// The guest's clocks under the ips plugin: they follow instructions and deadlines, whatever the host does.
@Suite struct VirtualTimeTests {
    @Test(arguments: Tier.allCases)
    func clocksFollowInstructions(_ tier: Tier) throws {
        let words = ["--tier=\(tier)", "-plugin", "ips,ips=100m,ipq=1000", try Installation.program("virtualtime", "O2")]
        let result = try needletail(words)
        #expect(result.status == .exit(0), "\(result)")
        var lines = result.stdout.split(separator: "\n").map(String.init)
        try #require(!lines.isEmpty)
        // Ten million instructions are 100 ms; the plugin says so every 10 µs.
        let first = try #require(Int(lines.removeFirst().drop { !$0.isNumber }))
        #expect(100_000_000...100_020_000 ~= first)
        #expect(
            lines == [
                "nanosleep 30000000", "until a second later 1000000000", "poll 25000000", "select 15000000",
                "select of what is ready 0", "epoll 12000000", "futex 11000000", "semaphore 40000000",
                "sigtimedwait 9000000", "sleepers woke", "done",
            ])
        #expect(try needletail(words).stdout == result.stdout)
    }

    /// Only the first plugin gets it.
    @Test func oneControls() throws {
        let result = try needletail([
            "-plugin", "ips,ips=100m,ipq=1000", "-plugin", "ips,ips=1m,format=json", "-d", "plugin",
            try Installation.program("virtualtime", "O2"),
        ])
        #expect(
            result.stderr.contains("\"controls_time\": false") || result.stderr.contains("\"controls_time\":false"), "\(result)")
    }
}
