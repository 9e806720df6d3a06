import PostgreSQL
import Synchronization
import Testing

@Suite("A database", .enabled(if: TestServer.isThere, Comment(rawValue: TestServer.whyNot)))
struct DatabaseTests {
    private func make(
        connections: Int = 2, waitingMax: Int = 256,
        _ prepare: (Connection) throws -> Void = { _ in }
    ) throws -> Database {
        var configuration = Database.Configuration()
        configuration.connections = connections
        configuration.waitingMax = waitingMax
        return try Database(try TestServer.url, configuration: configuration, prepare: prepare)
    }

    private static func process(_ db: Connection) throws -> Int64 {
        try db.first("SELECT pg_backend_pid()") { $0.integer(0) } ?? 0
    }

    private static func end(_ process: Int64) throws {
        try TestServer.connection().run(
            "SELECT pg_terminate_backend($1::bigint::int)", [.integer(process)])
    }

    @Test("has at most so many connections, and answers everyone")
    func many() async throws {
        let database = try make(connections: 3)
        let processes = try await withThrowingTaskGroup(of: Int64.self) { group in
            for _ in 0..<100 {
                group.addTask { try await database.read { try Self.process($0) } }
            }
            return try await group.reduce(into: Set()) { $0.insert($1) }
        }
        #expect((1...3).contains(processes.count))
    }

    @Test("refuses whom it has no place for")
    func busy() async throws {
        let database = try make(connections: 1, waitingMax: 1)
        let gate = TestServer.name()
        let holder = try TestServer.connection()
        let lock = Int64(abs(gate.hashValue))
        try holder.run("SELECT pg_advisory_lock($1)", [.integer(lock)])
        let outcomes = try await withThrowingTaskGroup(of: Result<Void, any Error>.self) { group in
            for _ in 0..<5 {
                group.addTask {
                    do {
                        _ = try await database.read { db in
                            try db.run("SELECT pg_advisory_lock_shared($1)", [.integer(lock)])
                        }
                        return .success(())
                    } catch {
                        return .failure(error)
                    }
                }
            }
            var outcomes: [Result<Void, any Error>] = []
            for try await outcome in group {
                outcomes.append(outcome)
                // Three are refused; then the others may go on.
                if outcomes.count == 3 { try holder.execute("SELECT pg_advisory_unlock_all()") }
            }
            return outcomes
        }
        let refused = outcomes.filter { outcome in
            guard case .failure(let error) = outcome else { return false }
            return error as? PostgreSQLError == .busy(waiting: 1)
        }
        #expect(refused.count == 3)
    }

    @Test("is not told apart from itself when a connection ended between two requests")
    func ended() async throws {
        let database = try make(connections: 1)
        for _ in 0..<3 {
            try Self.end(try await database.read { try Self.process($0) })
            #expect(try await database.read { try $0.first("SELECT 1") { $0.integer(0) } } == 1)
            try Self.end(try await database.write { try Self.process($0) })
            #expect(try await database.write { try $0.first("SELECT 1") { $0.integer(0) } } == 1)
        }
    }

    @Test("does not run a transaction again whose connection was lost, and did nothing of it")
    func killedWithin() async throws {
        let table = TestServer.name()
        let database = try make(connections: 1) {
            try $0.execute("CREATE TABLE \(table) (a bigint)")
        }
        let runs = Counter()
        await #expect {
            _ = try await database.write { db in
                runs.increment()
                try db.run("INSERT INTO \(table) VALUES (1)")
                try Self.end(try Self.process(db))
                try db.run("INSERT INTO \(table) VALUES (2)")
            }
        } throws: { error in
            guard case .lost = error as? PostgreSQLError else { return false }
            return true
        }
        #expect(runs.value == 1)
        let count = try await database.read {
            try $0.first("SELECT count(*) FROM \(table)") { $0.integer(0) }
        }
        #expect(count == 0)
    }

    @Test("runs a read again whose connection was lost, once")
    func killedReading() async throws {
        let database = try make(connections: 1)
        for kills in [1, 2] {
            let runs = Counter()
            do {
                _ = try await database.read { db in
                    if runs.increment() <= kills {
                        try Self.end(try Self.process(db))
                    }
                    try db.run("SELECT 1")
                }
                #expect(kills == 1)
            } catch PostgreSQLError.lost {
                #expect(kills == 2)
            }
            #expect(runs.value == 2)
        }
    }

    @Test("runs transactions again that stand in each other's way")
    func deadlock() async throws {
        let table = TestServer.name()
        let database = try make {
            try $0.execute("CREATE TABLE \(table) (a bigint); INSERT INTO \(table) VALUES (1), (2)")
        }
        let runs = Counter()
        let locked = Counter()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (first, second) in [(1, 2), (2, 1)] as [(Int64, Int64)] {
                group.addTask {
                    _ = try await database.write { db in
                        runs.increment()
                        let update = "UPDATE \(table) SET a = a WHERE a = $1"
                        try db.run(update, [.integer(first)])
                        locked.increment()
                        // Both have one row: each waits for the other's.
                        while locked.value < 2 {
                            try db.run("SELECT 1")
                        }
                        try db.run(update, [.integer(second)])
                    }
                }
            }
            try await group.waitForAll()
        }
        // Both may be the one that is rolled back, when the server is slow to look.
        #expect(runs.value >= 3)
    }

    @Test("says at once that the server is away, and finds it when it is back")
    func restart() async throws {
        let database = try Database(try TestServer.stoppedURL) { _ in }
        for action in ["stop", "kill"] {
            #expect(try await database.read { try $0.first("SELECT 1") { $0.integer(0) } } == 1)
            try TestServer.control(action)
            for _ in 0..<20 {
                await #expect {
                    _ = try await database.write { try $0.run("SELECT 1") }
                } throws: { error in
                    guard case .unreachable(_, let reason) = error as? PostgreSQLError else {
                        return false
                    }
                    return reason.contains("No such file or directory")
                }
            }
            try TestServer.control("start")
            let deadline = ContinuousClock.now + .seconds(20)
            var answer: Int64?
            while answer == nil, ContinuousClock.now < deadline {
                do {
                    answer = try await database.read { try $0.first("SELECT 1") { $0.integer(0) } }
                } catch PostgreSQLError.unreachable {
                    await Task.yield()
                }
            }
            #expect(answer == 1)
        }
    }

    @Test("does not begin without a server")
    func absent() throws {
        let url = try ServerURL("postgresql://u:secret@/x?host=/nonexistent")
        #expect {
            _ = try Database(url) { _ in }
        } throws: { error in
            guard case .unreachable(let server, _) = error as? PostgreSQLError else { return false }
            return server == "postgresql://u@/x"
        }
    }
}

/// How often something happened, counted by several tasks.
private final class Counter: Sendable {
    private let count = Atomic(0)

    var value: Int { count.load(ordering: .sequentiallyConsistent) }

    @discardableResult
    func increment() -> Int { count.add(1, ordering: .sequentiallyConsistent).newValue }
}
