import Locking

/// The fetches that run, for who looks and for who wants one ended; at most ``Fetches/activeMax``.
final class RunningFetches: Sendable {
    struct Entry: Sendable {
        /// Unlike that of any other since the daemon was started.
        let id: Int
        var progress: Fetches.Progress
        let begin: ContinuousClock.Instant
        /// Finished when it is to end.
        fileprivate let stop: AsyncStream<Void>.Continuation
    }

    private struct State {
        var entries: [Int: Entry] = [:]
        var nextID = 1
    }

    private let state = Locked(State())

    /// In the order of their beginning, each with the time that it has run by now.
    var all: [Entry] {
        let entries = state.withLock { $0.entries.values.map { $0 } }
        return entries.sorted { $0.id < $1.id }.map { entry in
            var entry = entry
            entry.progress.elapsed = .now - entry.begin
            return entry
        }
    }

    /// - Returns: The id, and a stream that ends when somebody cancels it; nil where too many run.
    func begin(path: String) -> (id: Int, stop: AsyncStream<Void>)? {
        let (stop, continuation) = AsyncStream<Void>.makeStream()
        let id: Int? = state.withLock { state in
            guard state.entries.count < Fetches.activeMax else { return nil }
            defer { state.nextID += 1 }
            state.entries[state.nextID] = Entry(
                id: state.nextID,
                progress: Fetches.Progress(stage: .finding, path: path, elapsed: .zero),
                begin: .now, stop: continuation)
            return state.nextID
        }
        return id.map { ($0, stop) }
    }

    func note(_ progress: Fetches.Progress, of id: Int) {
        state.withLock { $0.entries[id]?.progress = progress }
    }

    func end(_ id: Int) {
        state.withLock { $0.entries[id] = nil }
    }

    func progress(of id: Int) -> Fetches.Progress? {
        state.withLock { $0.entries[id]?.progress }
    }

    /// - Returns: Whether there is such a one.
    func cancel(_ id: Int) -> Bool {
        guard let entry = state.withLock({ $0.entries[id] }) else { return false }
        entry.stop.finish()
        return true
    }
}
