import NIOCore

/// Decides when to ask whether the other side is still there (gRFC A8, and A9 for servers).
///
/// Pure: the caller supplies `now`, sends the PINGs and closes the connection.
struct Keepalive {
    enum Step: Equatable {
        /// Ask again then.
        case wait(until: NIODeadline)
        /// Send a PING, and ask again then.
        case ping(until: NIODeadline)
        /// Nothing came after a PING: the other side is gone.
        case close
    }

    let settings: KeepaliveSettings
    private var lastRead: NIODeadline
    private var pingSent: NIODeadline?

    init(_ settings: KeepaliveSettings, now: NIODeadline) {
        self.settings = settings
        lastRead = now
    }

    /// Any bytes prove life, not only the answer to a PING.
    mutating func bytesReceived(now: NIODeadline) {
        lastRead = now
        pingSent = nil
    }

    mutating func due(now: NIODeadline, hasCalls: Bool) -> Step {
        let (time, timeout) = (TimeAmount(settings.time), TimeAmount(settings.timeout))
        if let pingSent {
            return now >= pingSent + timeout ? .close : .wait(until: pingSent + timeout)
        }
        guard hasCalls || settings.withoutCalls else { return .wait(until: now + time) }
        guard now >= lastRead + time else { return .wait(until: lastRead + time) }
        pingSent = now
        return .ping(until: now + timeout)
    }
}

/// How a side finds out that the other one has gone without a word.
package struct KeepaliveSettings: Sendable, Equatable {
    /// Silence after which a PING is sent. Shorter finds a dead connection sooner; servers end the
    /// connections of clients that ask more often than they permit, mostly 5 minutes.
    package var time: Duration
    /// Silence after a PING that ends the connection.
    package var timeout: Duration
    /// Whether to ask while there is no call.
    package var withoutCalls: Bool

    package init(time: Duration, timeout: Duration = .seconds(20), withoutCalls: Bool = false) {
        self.time = time
        self.timeout = timeout
        self.withoutCalls = withoutCalls
    }
}
