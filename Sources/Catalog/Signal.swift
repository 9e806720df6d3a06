import Locking

/// Wakes one waiting task; raised many times while nobody waits, it is raised once.
final class Signal: Sendable {
    private enum State {
        case idle, raised
        case waiting(CheckedContinuation<Void, Never>)
    }

    private let state = Locked(State.idle)

    func raise() {
        let waiting: CheckedContinuation<Void, Never>? = state.withLock { state in
            if case .waiting(let continuation) = state {
                state = .idle
                return continuation
            }
            state = .raised
            return nil
        }
        waiting?.resume()
    }

    /// Returns at once when it was raised since the last time.
    ///
    /// - Throws: `CancellationError`.
    func wait() async throws {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isRaised = state.withLock { state in
                    switch state {
                    case .raised:
                        state = .idle
                        return true
                    case .idle:
                        state = .waiting(continuation)
                        return false
                    case .waiting:
                        preconditionFailure("two tasks wait for one signal")
                    }
                }
                if isRaised { continuation.resume() }
            }
        } onCancel: {
            raise()
        }
        try Task.checkCancellation()
    }
}
