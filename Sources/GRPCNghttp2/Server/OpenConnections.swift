import Locking
import NIOCore

/// The connections of a server that are open now, so that they can be ended.
///
/// Bounded: a connection over the limit is not taken in, and its owner closes it.
final class OpenConnections: Sendable {
    private struct State {
        var channels: [ObjectIdentifier: any Channel] = [:]
        var isEnding = false
    }

    private let state = Locked(State())
    private let limit: Int
    /// Called once, when the last connection has closed after ``end()``.
    private let onEnd: @Sendable () -> Void

    init(limit: Int, onEnd: @escaping @Sendable () -> Void) {
        self.limit = limit
        self.onEnd = onEnd
    }

    var count: Int { state.withLock { $0.channels.count } }

    /// - Returns: False when the limit is reached or the server is ending.
    func insert(_ channel: any Channel) -> Bool {
        state.withLock { state in
            guard !state.isEnding, state.channels.count < limit else { return false }
            state.channels[ObjectIdentifier(channel)] = channel
            return true
        }
    }

    func remove(_ channel: any Channel) {
        let isLast = state.withLock { state in
            let removed = state.channels.removeValue(forKey: ObjectIdentifier(channel)) != nil
            return removed && state.isEnding && state.channels.isEmpty
        }
        if isLast { onEnd() }
    }

    /// Takes no more connections.
    ///
    /// - Returns: Those that are open, to be told or closed.
    func end() -> [any Channel] {
        let (open, isFirst) = state.withLock { state in
            defer { state.isEnding = true }
            return (Array(state.channels.values), !state.isEnding)
        }
        if open.isEmpty, isFirst { onEnd() }
        return open
    }
}
