import NIOCore

/// Grants a burst at once and a rate after that (RFC 2697 §3). Pure: the caller supplies `now`.
package struct TokenBucket {
    package struct Limit: Hashable, Sendable {
        /// Uses at once.
        package var burst: Int
        package var perSecond: Int

        package init(burst: Int, perSecond: Int) {
            self.burst = burst
            self.perSecond = perSecond
        }
    }

    private let limit: Limit
    private var tokens: Double
    private var filled: NIODeadline?

    init(_ limit: Limit) {
        self.limit = limit
        tokens = Double(limit.burst)
    }

    /// - Returns: Whether there was a token left to take.
    mutating func take(now: NIODeadline) -> Bool {
        fill(now)
        guard tokens >= 1 else { return false }
        tokens -= 1
        return true
    }

    /// Useful work gives tokens back, up to the burst.
    mutating func earn(_ count: Double) {
        tokens = min(tokens + count, Double(limit.burst))
    }

    private mutating func fill(_ now: NIODeadline) {
        if let filled {
            earn(Double((now - filled).nanoseconds) * Double(limit.perSecond) / 1e9)
        }
        filled = now
    }
}
