import NIOCore
import Testing

@testable import GRPCNghttp2

private func at(_ seconds: Int64) -> NIODeadline {
    .uptimeNanoseconds(0) + .seconds(seconds)
}

@Suite("Whether the other side is still there")
struct KeepaliveTests {
    private func keepalive(withoutCalls: Bool = false) -> Keepalive {
        Keepalive(
            KeepaliveSettings(time: .seconds(10), timeout: .seconds(3), withoutCalls: withoutCalls),
            now: at(0))
    }

    private func due(
        _ keepalive: inout Keepalive, _ now: NIODeadline, hasCalls: Bool
    ) -> Keepalive.Step {
        keepalive.due(now: now, hasCalls: hasCalls)
    }

    @Test("Silence is answered with a PING, and silence after it with an end")
    func silence() {
        var keepalive = keepalive()
        #expect(due(&keepalive, at(9), hasCalls: true) == .wait(until: at(10)))
        #expect(due(&keepalive, at(10), hasCalls: true) == .ping(until: at(13)))
        #expect(due(&keepalive, at(12), hasCalls: true) == .wait(until: at(13)))
        #expect(due(&keepalive, at(13), hasCalls: true) == .close)
    }

    @Test("Any bytes begin the silence anew")
    func bytes() {
        var keepalive = keepalive()
        keepalive.bytesReceived(now: at(8))
        #expect(due(&keepalive, at(10), hasCalls: true) == .wait(until: at(18)))
        #expect(due(&keepalive, at(18), hasCalls: true) == .ping(until: at(21)))
        keepalive.bytesReceived(now: at(20))
        #expect(due(&keepalive, at(21), hasCalls: true) == .wait(until: at(30)))
    }

    @Test("Without calls there is a PING where that is asked for")
    func withoutCalls() {
        var quiet = keepalive()
        #expect(due(&quiet, at(10), hasCalls: false) == .wait(until: at(20)))
        var lively = keepalive(withoutCalls: true)
        #expect(due(&lively, at(10), hasCalls: false) == .ping(until: at(13)))
        // Calls may end while an answer is waited for.
        #expect(due(&lively, at(13), hasCalls: false) == .close)
    }
}

@Suite("How often a client may ask")
struct PingPolicyTests {
    private func policy(withoutCalls: Bool = false) -> PingPolicy {
        var permitted = PermittedPings()
        permitted.intervalMin = .seconds(10)
        permitted.withoutCalls = withoutCalls
        return PingPolicy(permitted)
    }

    /// Which of the PINGs at these seconds is one too many.
    private func firstTooMany(
        _ policy: PingPolicy, _ seconds: [Int64], hasCalls: Bool = true
    ) -> Int? {
        var policy = policy
        return seconds.firstIndex { policy.pingReceived(now: at($0), hasCalls: hasCalls) }
    }

    @Test("Three that come too early are too many; the first is never")
    func strikes() {
        #expect(firstTooMany(policy(), [0, 1, 2, 3]) == 3)
        #expect(firstTooMany(policy(), [0, 10, 20, 30, 40, 50]) == nil)
        // Strikes do not wear off.
        #expect(firstTooMany(policy(), [0, 1, 11, 12, 22, 23]) == 5)
    }

    @Test("Without calls two hours have to pass, unless that is permitted")
    func withoutCalls() {
        #expect(firstTooMany(policy(), [0, 100, 200, 300], hasCalls: false) == 3)
        #expect(firstTooMany(policy(), [0, 7200, 14400, 21600], hasCalls: false) == nil)
        #expect(
            firstTooMany(policy(withoutCalls: true), [0, 10, 20, 30], hasCalls: false) == nil)
    }

    @Test("What the server sends gives the client a new start")
    func framesSent() {
        var policy = policy()
        for second in 0..<100 {
            let isTooMany = policy.pingReceived(now: at(Int64(second)), hasCalls: true)
            #expect(!isTooMany)
            if second.isMultiple(of: 3) { policy.framesSent() }
        }
    }
}
