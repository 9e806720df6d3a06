import Locking

/// Pieces that a download holds in memory, of all its sources: who begins one more waits.
///
/// First come, first served. A wait is not ended by a cancellation: whoever holds a place gives it back
/// soon, because it is cancelled too or relieved when it stalls.
final class PieceBudget: Sendable {
    private struct State {
        var free: Int
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    private let state: Locked<State>

    init(pieces: Int) {
        state = Locked(State(free: pieces))
    }

    func take() async {
        await withCheckedContinuation { continuation in
            let isFree = state.withLock { state in
                guard state.free > 0 else {
                    state.waiters.append(continuation)
                    return false
                }
                state.free -= 1
                return true
            }
            if isFree { continuation.resume() }
        }
    }

    func giveBack() {
        let next: CheckedContinuation<Void, Never>? = state.withLock { state in
            guard state.waiters.isEmpty else { return state.waiters.removeFirst() }
            state.free += 1
            return nil
        }
        next?.resume()
    }
}
