import NIOCore

/// What is waited for on one connection, asked a few times in each limit while there is something.
///
/// Pure: the caller supplies `now`.
struct ConnectionWatch {
    let limits: ConductLimits
    var isTicking = false
    private var streams: StallWatch<Int32>
    private var unfinished: (part: FrameScanner.Unfinished, since: NIODeadline)?
    /// The socket's buffer while it takes nothing: since when, and how much was in it.
    private var blocked: (since: NIODeadline, bytes: Int)?

    init(_ limits: ConductLimits) {
        self.limits = limits
        streams = StallWatch(limit: limits.stallLimit, bytesMin: limits.stallBytesMin)
    }

    /// How often to ask.
    var tick: TimeAmount {
        .nanoseconds(min(limits.slowFrameLimit, limits.stallLimit).nanoseconds / 8)
    }

    mutating func moved(_ stream: Int32, bytes: Int) {
        streams.moved(stream, bytes: bytes)
    }

    /// Notes what the other side has begun and not finished.
    mutating func note(_ part: FrameScanner.Unfinished?, now: NIODeadline) {
        guard part != unfinished?.part else { return }
        unfinished = part.map { ($0, now) }
    }

    /// - Returns: What has taken too long to arrive.
    func slow(now: NIODeadline) -> Misconduct? {
        guard let unfinished, now - unfinished.since >= limits.slowFrameLimit else { return nil }
        return unfinished.part == .start ? .slowStart : .slowHeaders
    }

    mutating func stalled(among waiting: [Int32], now: NIODeadline) -> [Int32] {
        streams.stalled(among: waiting, now: now)
    }

    /// - Parameter unsent: Bytes that wait for a socket that takes no more; nil when it does.
    /// - Returns: Whether it has taken too little for too long.
    mutating func isStalled(unsent: Int?, now: NIODeadline) -> Bool {
        guard let unsent else {
            blocked = nil
            return false
        }
        guard let blocked, blocked.bytes - unsent < limits.stallBytesMin else {
            blocked = (now, unsent)
            return false
        }
        return now - blocked.since >= limits.stallLimit
    }

    var isNeeded: Bool { unfinished != nil || blocked != nil }
}
