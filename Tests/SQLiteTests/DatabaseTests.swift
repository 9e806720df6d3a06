import SQLite
import TestDirectories
import Testing

@Suite("A database")
struct DatabaseTests {
    let directory: TemporaryDirectory
    let database: Database

    init() throws {
        directory = try TemporaryDirectory()
        database = try Database(
            path: "\(directory.path)/test.sqlite", migrations: ["CREATE TABLE t (a)"])
    }

    private func count() async throws -> Int64 {
        try await database.read { db in
            try db.first("SELECT count(*) FROM t") { $0.integer(0) } ?? -1
        }
    }

    @Test("keeps every write of many tasks, and reads meanwhile")
    func concurrent() async throws {
        let database = database
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<100 {
                group.addTask {
                    try await database.write { db in
                        _ = try db.run("INSERT INTO t VALUES (?)", [.integer(Int64(number))])
                    }
                }
                group.addTask {
                    let seen = try await database.read { db in
                        try db.rows("SELECT a FROM t") { $0.integer(0) }
                    }
                    #expect(Set(seen).count == seen.count)
                }
            }
            try await group.waitForAll()
        }
        #expect(try await count() == 100)
    }

    @Test("takes back what a failed write did")
    func failedWrite() async throws {
        struct Stop: Error {}
        await #expect(throws: Stop.self) {
            try await database.write { db in
                try db.run("INSERT INTO t VALUES (1)")
                throw Stop()
            }
        }
        #expect(try await count() == 0)
    }

    @Test("lets no reader write")
    func readOnly() async throws {
        await #expect(throws: SQLiteError.self) {
            try await database.read { db in
                _ = try db.run("INSERT INTO t VALUES (1)")
            }
        }
    }

    @Test("keeps what was written for the next one")
    func persistent() async throws {
        try await database.write { db in _ = try db.run("INSERT INTO t VALUES (7)") }
        let again = try Database(
            path: "\(directory.path)/test.sqlite", migrations: ["CREATE TABLE t (a)"])
        let found = try await again.read { db in
            try db.first("SELECT a FROM t") { $0.integer(0) }
        }
        #expect(found == 7)
    }
}
