import Locking
import SQLite

/// One thread for work that takes long, with a bounded line before it.
///
/// Swift's own threads are as many as there are cores; a slow hash or a long list would hold up
/// every heartbeat there.
final class WorkLane: Sendable {
    /// The line is full: try again later.
    struct Full: Error {}

    private let worker: Worker
    private let lineMax: Int
    private let inLine = Locked(0)

    init(label: String, lineMax: Int) {
        worker = Worker(executor: QueueExecutor(label: label))
        self.lineMax = lineMax
    }

    func run<Result: Sendable>(
        _ body: @Sendable () throws -> Result
    ) async throws -> Result {
        let isFull = inLine.withLock { count in
            if count >= lineMax { return true }
            count += 1
            return false
        }
        if isFull { throw Full() }
        defer { inLine.withLock { $0 -= 1 } }
        return try await worker.run(body)
    }
}

private actor Worker {
    private nonisolated let executor: QueueExecutor

    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    init(executor: QueueExecutor) {
        self.executor = executor
    }

    func run<Result: Sendable>(_ body: @Sendable () throws -> Result) rethrows -> Result {
        try body()
    }
}
