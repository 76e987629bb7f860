import Foundation
import TestSupport
import Testing

/// The guest's clocks under the ips plugin: they follow instructions and deadlines, whatever the host does.
@Suite struct VirtualTimeTests {
    @Test(arguments: Tier.allCases)
    func clocksFollowInstructions(_ tier: Tier) throws {
        // A quantum ends at 9 million instructions, by the block, and the next at 12 million, which the program does not reach: so what
        // lies between is exact. How many instructions libc needs depends on the environment's size.
        let words = ["--tier=\(tier)", "-plugin", "ips,ips=100m,ipq=3000000", try Installation.program("virtualtime", "O2")]
        let result = try needletail(words)
        #expect(result.status == .exit(0), "\(result)")
        let lines = result.stdout.split(separator: "\n", maxSplits: 1)
        try #require(lines.count == 2)
        let first = try #require(Int(lines[0].drop { !$0.isNumber }))
        #expect(90_000_000...90_001_000 ~= first)
        #expect(
            lines[1] == """
                nanosleep 30000000
                until a second later 1000000000
                poll 25000000
                select 15000000
                select of what is ready 0
                epoll 12000000
                futex 11000000
                semaphore 40000000
                sigtimedwait 9000000
                sleepers woke
                done

                """)
    }
}
