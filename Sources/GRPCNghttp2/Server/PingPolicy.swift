import NIOCore

/// Holds clients to the pace of keepalive PINGs that a server permits (gRFC A8, "Server Enforcement").
///
/// Pure: the caller supplies `now` and ends the connection.
struct PingPolicy {
    /// PINGs that may come too early: two, and the third is one too many.
    private static let strikesMax = 2
    /// The least interval where there are no calls, and PINGs without calls are not permitted.
    private static let intervalWithoutCalls = TimeAmount.hours(2)

    private let intervalMin: TimeAmount
    private let withoutCalls: Bool
    private var last: NIODeadline?
    private var strikes = 0

    init(_ permitted: PermittedPings) {
        intervalMin = TimeAmount(permitted.intervalMin)
        withoutCalls = permitted.withoutCalls
    }

    /// HEADERS or DATA were sent: clients measure the network by a PING for what they receive.
    mutating func framesSent() {
        last = nil
        strikes = 0
    }

    /// - Returns: Whether this PING is one too many.
    mutating func pingReceived(now: NIODeadline, hasCalls: Bool) -> Bool {
        let interval = hasCalls || withoutCalls ? intervalMin : Self.intervalWithoutCalls
        defer { last = now }
        guard let last, now < last + interval else { return false }
        strikes += 1
        return strikes > Self.strikesMax
    }
}

/// How often clients may send keepalive PINGs; more often ends the connection with ENHANCE_YOUR_CALM,
/// "too_many_pings".
package struct PermittedPings: Sendable, Equatable {
    package var intervalMin: Duration = .seconds(300)
    package var withoutCalls = false

    package init() {}
}
