/// When a server that could not be reached is tried again (grpc/doc/connection-backoff.md).
package struct ConnectionBackoff: Sendable, Equatable {
    /// From the first failure to the next attempt.
    package var initial: Duration = .seconds(1)
    /// How much longer each further wait is.
    package var multiplier = 1.6
    /// Part of a wait by which it is made shorter or longer, so that clients do not come all at once.
    package var jitter = 0.2
    package var maximum: Duration = .seconds(120)

    package init() {}

    /// - Parameters:
    ///   - failures: Attempts that failed in a row, at least one.
    ///   - random: -1 to 1.
    func delay(failures: Int, random: Double) -> Duration {
        var delay = initial
        for _ in 1..<max(failures, 1) where delay < maximum { delay = delay * multiplier }
        return min(delay, maximum) * (1 + jitter * random)
    }
}
