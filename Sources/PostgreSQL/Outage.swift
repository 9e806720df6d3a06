import Locking

/// When a server that could not be reached is tried again.
final class Outage: Sendable {
    /// A restarted server is back within seconds; more often would be in its way.
    private static let delays = [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5]

    private struct State: Sendable {
        var failures = 0
        var retryAt: ContinuousClock.Instant?
        var reason = ""
    }

    private let server: String
    private let state = Locked(State())

    init(server: String) {
        self.server = server
    }

    /// - Throws: `unreachable` with the reason of the last attempt, until the next is due. Who is
    ///   let through then is alone: the next is due later.
    func check() throws(PostgreSQLError) {
        let now = ContinuousClock.now
        try state.withLock { state throws(PostgreSQLError) in
            guard let retryAt = state.retryAt else { return }
            if now < retryAt { throw .unreachable(server: server, reason: state.reason) }
            state.retryAt = now + .seconds(5)
        }
    }

    func failed(_ error: PostgreSQLError) {
        // Apart by chance, so that several processes do not come at once.
        let chance = Double.random(in: 0.5...1)
        let reason = if case .unreachable(_, let reason) = error { reason } else { "\(error)" }
        state.withLock { state in
            let delay = Self.delays[min(state.failures, Self.delays.count - 1)] * chance
            state.retryAt = .now + .seconds(delay)
            state.failures += 1
            state.reason = reason
        }
    }

    func succeeded() {
        state.withLock { $0 = State() }
    }
}
