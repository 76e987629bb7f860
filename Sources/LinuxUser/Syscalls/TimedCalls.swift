internal import CHost
internal import Glibc

/// A system call that ends at a time: where the time is among its arguments, and what it does when the time has come.
///
/// Under virtual time such a call waits in slices of real time until the guest's deadline.
struct TimedCall {
    enum Time {
        /// A `timespec`, of which the kernel may leave the rest.
        case relative(Int, leavesRest: Bool)
        case absolute(Int, clock: Int32)
        case milliseconds(Int)
    }
    let time: Time
    /// How the call says that its time is over; nil for a result of 0.
    let error: LinuxErrno?
    /// nanosleep's and clock_nanosleep's argument for what is left after a signal.
    var rest: Int?
    /// pselect6's sets, which a call that times out clears: the first of three arguments.
    var setsFirst: Int?

    private static let timedOut = LinuxErrno(rawValue: 110)

    /// - Parameter number: Of arm64.
    init?(_ number: UInt32, _ a: [UInt64]) {
        switch number {
        case 101: self.init(.relative(0, leavesRest: false), nil, rest: 1)
        case 115:
            let clock = Int32(truncatingIfNeeded: a[0])
            self.init(
                a[1] & 1 != 0 ? .absolute(2, clock: clock) : .relative(2, leavesRest: false), nil, rest: a[1] & 1 != 0 ? nil : 3)
        case CallNumber.pselect6: self.init(.relative(4, leavesRest: true), nil, setsFirst: 1)
        case CallNumber.ppoll: self.init(.relative(2, leavesRest: true), nil)
        case CallNumber.epollPwait: self.init(.milliseconds(3), nil)
        case CallNumber.epollPwait2: self.init(.relative(3, leavesRest: false), nil)
        case 4, CallNumber.ioPgetevents: self.init(.relative(4, leavesRest: false), nil)
        case CallNumber.rtSigtimedwait: self.init(.relative(2, leavesRest: false), .EAGAIN)
        case 192: self.init(.relative(3, leavesRest: false), .EAGAIN)
        case 182, 183: self.init(.absolute(4, clock: CLOCK_REALTIME), Self.timedOut)
        case 449: self.init(.absolute(3, clock: Int32(truncatingIfNeeded: a[4])), Self.timedOut)
        case 455: self.init(.absolute(4, clock: Int32(truncatingIfNeeded: a[5])), Self.timedOut)
        case CallNumber.futex:
            let realtime: UInt64 = 0x100  // FUTEX_CLOCK_REALTIME
            switch a[1] & 0x7f {
            case 0: self.init(.relative(3, leavesRest: false), Self.timedOut)  // FUTEX_WAIT
            case 6: self.init(.absolute(3, clock: CLOCK_REALTIME), Self.timedOut)  // FUTEX_LOCK_PI
            case 9, 11, 13:  // FUTEX_WAIT_BITSET, FUTEX_WAIT_REQUEUE_PI, FUTEX_LOCK_PI2
                self.init(.absolute(3, clock: a[1] & realtime != 0 ? CLOCK_REALTIME : CLOCK_MONOTONIC), Self.timedOut)
            default: return nil
            }
        default: return nil
        }
    }

    private init(_ time: Time, _ error: LinuxErrno?, rest: Int? = nil, setsFirst: Int? = nil) {
        self.time = time
        self.error = error
        self.rest = rest
        self.setsFirst = setsFirst
    }

    /// Virtual time at which the call ends; nil when it has no valid time: the kernel then says what is wrong, or waits for ever.
    func deadline(_ a: [UInt64]) -> Int64? {
        switch time {
        case .relative(let index, _): Self.nanoseconds(at: a[index]).map { VirtualTime.now &+ $0 }
        case .milliseconds(let index):
            Int32(truncatingIfNeeded: a[index]) < 0
                ? nil : VirtualTime.now + Int64(Int32(truncatingIfNeeded: a[index])) * 1_000_000
        case .absolute(let index, let clock):
            Self.nanoseconds(at: a[index]).flatMap { time in VirtualTime.base(ofClock: clock).map { time - $0 } }
        }
    }

    /// A valid `timespec`, no longer than a century.
    private static func nanoseconds(at address: UInt64) -> Int64? {
        guard address != 0, let seconds = try? UserMemory.read(address, as: Int64.self),
            let rest = try? UserMemory.read(address &+ 8, as: Int64.self), seconds >= 0, 0..<1_000_000_000 ~= rest
        else { return nil }
        return min(seconds, 3_200_000_000) * 1_000_000_000 + rest
    }

    /// The arguments of a host call that waits for `length` nanoseconds.
    /// - Parameter buffer: For a `timespec`.
    func hostArguments(_ a: [UInt64], waiting length: Int64, _ buffer: UnsafeMutablePointer<timespec>) -> [UInt64] {
        var a = a
        switch time {
        case .relative(let index, _):
            buffer.pointee = timespec(nanoseconds: length)
            a[index] = address(buffer)
        case .milliseconds(let index): a[index] = UInt64((length + 999_999) / 1_000_000)
        case .absolute(let index, let clock):
            var now = timespec()
            clock_gettime(clock, &now)
            buffer.pointee = timespec(nanoseconds: now.nanoseconds + length)
            a[index] = address(buffer)
        }
        // The host's rest is of a slice.
        if let rest { a[rest] = 0 }
        return a
    }
}

extension timespec {
    init(nanoseconds: Int64) {
        self.init(tv_sec: Int(nanoseconds / 1_000_000_000), tv_nsec: Int(nanoseconds % 1_000_000_000))
    }
    fileprivate var nanoseconds: Int64 { Int64(tv_sec) * 1_000_000_000 + Int64(tv_nsec) }
}

extension LinuxThread {
    /// A host call under virtual time: counted as waiting while it lasts, and with a deadline that is the guest's.
    func virtuallyTimed(_ number: UInt32, _ a: [UInt64]) throws(LinuxErrno) -> UInt64 {
        let call = TimedCall(number, a)
        let deadline = call?.deadline(a)
        let time = VirtualTime.shared
        time.beginWaiting(until: deadline)
        defer { time.endWaiting(until: deadline) }
        guard let call, let deadline else {
            return try checked(nt_linux_interruptible(signalState, number, a[0], a[1], a[2], a[3], a[4], a[5]))
        }
        do throws(LinuxErrno) {
            let result = try wait(call, until: deadline, number, a)
            leaveRest(call, until: deadline, a, didBreakOff: false)
            return result
        } catch {
            leaveRest(call, until: deadline, a, didBreakOff: error == .EINTR)
            throw error
        }
    }

    private func wait(
        _ call: TimedCall, until deadline: Int64, _ number: UInt32, _ a: [UInt64]
    ) throws(LinuxErrno) -> UInt64 {
        let time = VirtualTime.shared
        let buffer = UnsafeMutablePointer<timespec>.allocate(capacity: 1)
        defer { buffer.deallocate() }
        let sets = try selectSets(call, a)
        while true {
            let threads = process.lock.withLock { process.liveThreads }
            let slice = time.slice(until: deadline, threads: threads)
            // After the deadline once more without waiting: something may be ready.
            let length = slice?.length ?? 0
            let began = Self.hostNanoseconds()
            let h = call.hostArguments(a, waiting: length, buffer)
            let result = nt_linux_interruptible(signalState, number, h[0], h[1], h[2], h[3], h[4], h[5])
            guard let slice else { return try checked(result) }
            let isTimeout = result == Int64(-(call.error?.rawValue ?? 0))
            // Only signals that the guest blocks: its wait goes on.
            let isDisturbance = result == -Int64(LinuxErrno.ERESTARTSYS.rawValue) && !nt_signals_pending(signalState)
            if !isDisturbance {
                // What comes before its time is another reason, such as EAGAIN of a semaphore.
                guard isTimeout, Self.hostNanoseconds() - began >= length else { return try checked(result) }
                time.end(slice)
            }
            for (address, bytes) in sets { try UserMemory.write(bytes, to: address) }
        }
    }

    private static func hostNanoseconds() -> Int64 {
        var now = timespec()
        clock_gettime(CLOCK_MONOTONIC, &now)
        return now.nanoseconds
    }

    /// What pselect6 reads and overwrites.
    private func selectSets(_ call: TimedCall, _ a: [UInt64]) throws(LinuxErrno) -> [(UInt64, [UInt8])] {
        guard let first = call.setsFirst, 0...65536 ~= a[0] else { return [] }
        let size = (Int(a[0]) + 63) / 64 * 8
        var sets: [(UInt64, [UInt8])] = []
        for address in a[first..<first + 3] where address != 0 {
            sets.append((address, try UserMemory.readBytes(address, count: size)))
        }
        return sets
    }

    private func leaveRest(_ call: TimedCall, until deadline: Int64, _ a: [UInt64], didBreakOff: Bool) {
        var target: UInt64 = 0
        if case .relative(let index, true) = call.time { target = a[index] }
        if didBreakOff, let rest = call.rest { target = a[rest] }
        guard target != 0 else { return }
        let left = max(0, deadline - VirtualTime.now)
        // As in the kernel, a place that cannot be written changes nothing about the result.
        _ = try? UserMemory.write(left / 1_000_000_000, to: target)
        _ = try? UserMemory.write(left % 1_000_000_000, to: target &+ 8)
    }
}
