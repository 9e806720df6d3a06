import Locking

/// Who may use which connection, first come first served, in a line of bounded length.
final class ConnectionLine: Sendable {
    private struct State: Sendable {
        /// The one used last comes first, so that few are made while there is little to do.
        var free: [Int]
        var waiting: [CheckedContinuation<Int, any Error>] = []
    }

    private let waitingMax: Int
    private let state: Locked<State>

    init(count: Int, waitingMax: Int) {
        self.waitingMax = waitingMax
        state = Locked(State(free: Array((0..<count).reversed())))
    }

    /// - Throws: `busy`, or what ``failWaiting(_:)`` was called with.
    func take() async throws -> Int {
        try await withCheckedThrowingContinuation { continuation in
            let result = state.withLock { state -> Result<Int, any Error>? in
                if let index = state.free.popLast() { return .success(index) }
                if state.waiting.count >= waitingMax {
                    return .failure(PostgreSQLError.busy(waiting: waitingMax))
                }
                state.waiting.append(continuation)
                return nil
            }
            if let result { continuation.resume(with: result) }
        }
    }

    func giveBack(_ index: Int) {
        let next = state.withLock { state -> CheckedContinuation<Int, any Error>? in
            if state.waiting.isEmpty {
                state.free.append(index)
                return nil
            }
            return state.waiting.removeFirst()
        }
        next?.resume(returning: index)
    }

    /// Tells all that wait that it is of no use.
    func failWaiting(_ error: PostgreSQLError) {
        let waiting = state.withLock { state in
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in waiting { continuation.resume(throwing: error) }
    }
}
