import Synchronization
import Testing

/// What a fake daemon's method counts, and does for the test in its middle.
final class Asked: Sendable {
    private struct State {
        var times = 0
        var action: (@Sendable () throws -> Void)?
    }

    private let state = Mutex(State())

    var times: Int {
        state.withLock { $0.times }
    }

    func note() {
        state.withLock { $0.times += 1 }
    }

    func onAct(_ action: @escaping @Sendable () throws -> Void) {
        state.withLock { $0.action = action }
    }

    func act() {
        do {
            try state.withLock { $0.action }?()
        } catch {
            Issue.record(error)
        }
    }
}
