import Catalog
import Logging
import Synchronization
import TestDirectories
import Testing

/// Keeps what is logged: `message key=value …`.
final class LogRecorder: Sendable {
    private let lines = Mutex<[String]>([])

    var messages: [String] { lines.withLock { $0 } }

    var logger: Logger {
        Logger(label: "test") { _ in Handler(recorder: self) }
    }

    private struct Handler: LogHandler {
        let recorder: LogRecorder
        var metadata: Logger.Metadata = [:]
        var logLevel: Logger.Level = .info

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let fields = (event.metadata ?? [:]).map { " \($0)=\($1)" }.sorted().joined()
            recorder.lines.withLock { $0.append("\(event.message)\(fields)") }
        }
    }
}

/// Runs a catalog of `shared` while `body` runs.
func withRunningCatalog(
    _ shared: TemporaryDirectory, state: TemporaryDirectory,
    recorder: LogRecorder = LogRecorder(), rescanInterval: Duration = .seconds(3600),
    _ body: (Catalog) async throws -> Void
) async throws {
    let catalog = try Catalog(
        root: shared.path, stateDirectory: state.path, rescanInterval: rescanInterval,
        logger: recorder.logger)
    try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { await catalog.run() }
        try await body(catalog)
        group.cancelAll()
    }
}

extension Catalog {
    /// Returns once `condition` holds, and fails the test when that takes 20 s.
    func wait(
        _ comment: Comment, sourceLocation: SourceLocation = #_sourceLocation,
        until condition: (Catalog) async throws -> Bool
    ) async throws {
        let deadline = ContinuousClock.now + .seconds(20)
        while try await !condition(self) {
            try #require(.now < deadline, comment, sourceLocation: sourceLocation)
            // Between two looks at the fact; not what it is waited for with.
            try await Task.sleep(for: .milliseconds(5))
        }
    }

    func waitUntilWatching(sourceLocation: SourceLocation = #_sourceLocation) async throws {
        try await wait("watching", sourceLocation: sourceLocation) {
            $0.status.state != .scanning
        }
    }

    func waitUntilHashed(_ count: Int64) async throws {
        try await wait("\(count) hashed") { $0.totals.hashed == count && $0.totals.files == count }
    }

    func paths(matching query: String = "") async throws -> [String] {
        try await search(query, limit: 1000).files.map(\.path)
    }
}
