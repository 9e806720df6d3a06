import SQLite
import TestDirectories
import Testing

@Suite("A connection")
struct ConnectionTests {
    let directory: TemporaryDirectory
    let connection: Connection

    init() throws {
        directory = try TemporaryDirectory()
        connection = try Connection(path: "\(directory.path)/test.sqlite")
        try connection.execute("CREATE TABLE t (a INTEGER PRIMARY KEY, b, UNIQUE (b))")
    }

    @Test(
        "gives back what was bound",
        arguments: [
            Value.null, .integer(.min), .integer(.max), .real(-0.5), .text(""), .text("a\0b'\"ü🦊"),
            .blob([]), .blob([0, 255, 7]),
        ])
    func roundTrip(value: Value) throws {
        try connection.run("INSERT INTO t (b) VALUES (?)", [value])
        let found = try connection.first("SELECT b, typeof(b) FROM t") { row -> Value in
            switch row.text(1) {
            case "integer": .integer(row.integer(0))
            case "real": .real(row.real(0))
            case "text": .text(row.text(0))
            case "blob": .blob(row.blob(0))
            default: row.isNull(0) ? .null : .text("not null")
            }
        }
        #expect(found == value)
    }

    @Test("counts changed rows and gives rows in order")
    func rows() throws {
        for number in 1...5 {
            #expect(
                try connection.run("INSERT INTO t (b) VALUES (?)", [.integer(Int64(number))]) == 1)
        }
        #expect(connection.lastInsertedRow == 5)
        #expect(try connection.run("UPDATE t SET b = b + 10 WHERE b > ?", [3]) == 2)
        let values = try connection.rows("SELECT b FROM t ORDER BY a") { $0.integer(0) }
        #expect(values == [1, 2, 3, 14, 15])
        #expect(try connection.first("SELECT b FROM t WHERE b = ?", [99]) { $0.integer(0) } == nil)
    }

    @Test("lets a query run within itself")
    func nested() throws {
        for number in 1...3 {
            try connection.run("INSERT INTO t (b) VALUES (?)", [.integer(Int64(number))])
        }
        let sql = "SELECT b FROM t WHERE b >= ? ORDER BY b"
        let pairs = try connection.rows(sql, [1]) { row in
            try connection.rows(sql, [.integer(row.integer(0))]) { $0.integer(0) }
        }
        #expect(pairs == [[1, 2, 3], [2, 3], [3]])
    }

    @Test("takes back a transaction that fails")
    func rollback() throws {
        struct Stop: Error {}
        #expect(throws: Stop.self) {
            try connection.transaction {
                try connection.run("INSERT INTO t (b) VALUES (1)")
                throw Stop()
            }
        }
        #expect(try connection.first("SELECT count(*) FROM t") { $0.integer(0) } == 0)
        try connection.transaction { _ = try connection.run("INSERT INTO t (b) VALUES (1)") }
        #expect(try connection.first("SELECT count(*) FROM t") { $0.integer(0) } == 1)
    }

    @Test("says what was wrong: extended code, message, statement")
    func errors() throws {
        try connection.run("INSERT INTO t (b) VALUES (1)")
        let sql = "INSERT INTO t (b) VALUES (?)"
        let error = #expect(throws: SQLiteError.self) { try connection.run(sql, [1]) }
        // SQLITE_CONSTRAINT_UNIQUE
        #expect(error?.failure.extendedCode == 2067)
        #expect(error?.isConstraint == true)
        #expect(error?.failure.sql == sql)
        #expect(error?.failure.message == "UNIQUE constraint failed: t.b")
        #expect(throws: SQLiteError.self) { try connection.run("SELEKT") }
        #expect(throws: SQLiteError.self) { try connection.run("") }
        // The statement is still good after its error.
        #expect(try connection.run(sql, [2]) == 1)
    }

    @Test("migrates once, in order, and refuses a newer file")
    func migrations() throws {
        let first = ["CREATE TABLE m (a)", "INSERT INTO m VALUES (1)"]
        try connection.migrate(first)
        try connection.migrate(first)
        try connection.migrate(first + ["INSERT INTO m VALUES (2)"])
        #expect(try connection.rows("SELECT a FROM m") { $0.integer(0) } == [1, 2])
        #expect(throws: MigrationError(found: 3, known: 2)) { try connection.migrate(first) }
    }

    @Test("leaves a failed migration undone")
    func failedMigration() throws {
        #expect(throws: SQLiteError.self) {
            try connection.migrate(["CREATE TABLE m (a); INSERT INTO nothing VALUES (1)"])
        }
        try connection.migrate(["CREATE TABLE m (a)"])
    }

    @Test("tells a damaged file from other trouble")
    func damaged() throws {
        try directory.write(String(repeating: "no database ", count: 500), to: "bad.sqlite")
        let error = #expect(throws: SQLiteError.self) {
            try Connection(path: "\(directory.path)/bad.sqlite")
        }
        guard case .damaged = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        let missing = #expect(throws: SQLiteError.self) {
            try Connection(path: "\(directory.path)/no/such/directory.sqlite")
        }
        guard case .failed = missing else {
            Issue.record("\(String(describing: missing))")
            return
        }
    }
}
