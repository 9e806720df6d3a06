import PostgreSQL
import Testing

@Suite("A connection", .enabled(if: TestServer.isThere, Comment(rawValue: TestServer.whyNot)))
struct ConnectionTests {
    @Test("gives back the values that it was given")
    func values() throws {
        let db = try TestServer.connection()
        let hostile = [
            "", "'; DROP TABLE x --", "\\x00", "{a,\"b\",NULL}", "漢字 e\u{301} \u{1F600}", "%_",
        ]
        for text in hostile {
            #expect(try db.first("SELECT $1::text", [.text(text)]) { $0.text(0) } == text)
        }
        for integer in [Int64.min, -1, 0, 1, 255, 65_536, .max] {
            let found = try db.first("SELECT $1::bigint", [.integer(integer)]) { $0.integer(0) }
            #expect(found == integer)
        }
        #expect(try db.first("SELECT -2::integer") { $0.integer(0) } == -2)
        #expect(try db.first("SELECT $1::boolean", [.boolean(true)]) { $0.boolean(0) } == true)
        let bytes = (0...255).map { UInt8($0) }
        #expect(try db.first("SELECT $1::bytea", [.bytes(bytes)]) { $0.bytes(0) } == bytes)
        #expect(try db.first("SELECT $1::bytea", [.bytes([])]) { $0.isNull(0) } == false)
        #expect(try db.first("SELECT $1::bytea", [.null]) { $0.isNull(0) } == true)
    }

    @Test("takes arrays, with what is missing in them")
    func arrays() throws {
        let db = try TestServer.connection()
        let rows = try db.rows(
            """
            SELECT * FROM unnest($1::text[], $2::bigint[], $3::bytea[], $4::integer[])
            """,
            [
                .texts(["a,\"{}", nil, ""]), .integers([1, -1, nil]),
                .byteStrings([nil, [0, 255], []]), .smallIntegers([.min, 0, .max]),
            ]
        ) { row in
            (0..<4).map { column in
                if row.isNull(column) { return "-" }
                if column == 0 { return row.text(0) }
                return column == 2 ? "\(row.bytes(2))" : "\(row.integer(column))"
            }
        }
        #expect(
            rows == [
                ["a,\"{}", "1", "-", "-2147483648"], ["-", "-1", "[0, 255]", "0"],
                ["", "-", "[]", "2147483647"],
            ])
        let none = try db.first("SELECT cardinality($1::text[])", [.texts([])]) { $0.integer(0) }
        #expect(none == 0)
    }

    @Test("says what the server refused, and goes on")
    func refusals() throws {
        let db = try TestServer.connection()
        func state(_ sql: String, _ values: [Value] = []) -> String? {
            do throws(PostgreSQLError) {
                try db.run(sql, values)
                return nil
            } catch {
                return error.failure?.sqlState
            }
        }
        #expect(state("SELEC") == "42601")
        #expect(state("SELECT 1/($1::bigint)", [0]) == "22012")
        // What PostgreSQL can not hold.
        #expect(state("SELECT $1::text", ["a\0b"]) == "22021")
        #expect(state("SELECT $1::bigint", ["text"]) == "08P01")
        #expect(state("SELECT $1::bigint", ["too long a text"]) == "22P03")
        #expect(state("SELECT 1") == nil)
    }

    @Test("ends a statement that takes too long")
    func timeout() throws {
        var configuration = Connection.Configuration()
        configuration.statementTimeout = 50
        let db = try TestServer.connection(configuration)
        #expect {
            try db.run("SELECT pg_sleep(60)")
        } throws: {
            ($0 as? PostgreSQLError)?.isTimeout == true
        }
        #expect(try db.first("SELECT 1") { $0.integer(0) } == 1)
    }

    @Test("rolls back what fails")
    func transactions() throws {
        let db = try TestServer.connection()
        let table = TestServer.name()
        try db.execute("CREATE TABLE \(table) (a bigint PRIMARY KEY)")
        #expect(throws: PostgreSQLError.self) {
            try db.transaction {
                try db.run("INSERT INTO \(table) VALUES (1)")
                try db.run("INSERT INTO \(table) VALUES (1)")
            }
        }
        try db.transaction { _ = try db.run("INSERT INTO \(table) VALUES (2)") }
        #expect(try db.rows("SELECT a FROM \(table)") { $0.integer(0) } == [2])
        #expect(try db.run("UPDATE \(table) SET a = a + 1") == 1)
    }

    @Test("prepares more statements than it keeps")
    func manyStatements() throws {
        let db = try TestServer.connection()
        for round in 0..<2 {
            for number in 0..<150 {
                let sum = try db.first("SELECT \(number) + $1::bigint", [.integer(Int64(round))]) {
                    $0.integer(0)
                }
                #expect(sum == Int64(number + round))
            }
        }
    }

    @Test("sends and receives what is larger than any buffer")
    func large() throws {
        let db = try TestServer.connection()
        let text = String(repeating: "0123456789abcdef", count: 1 << 20)
        let found = try db.first("SELECT $1 || $2", [.text(text), .text(text)]) { $0.text(0) }
        #expect(found == text + text)
    }

    // MARK: Migrations

    @Test("migrates from any version to the last, once")
    func migrations() throws {
        let db = try TestServer.connection()
        let (version, table) = (TestServer.name(), TestServer.name())
        let all = [
            "CREATE TABLE \(table) (a bigint)", "INSERT INTO \(table) VALUES (1)",
            "ALTER TABLE \(table) ADD b bigint; UPDATE \(table) SET b = a + 1",
        ]
        for count in [1, 1, 2, 3, 3] {
            try db.migrate(Array(all.prefix(count)), table: version, lock: 1)
        }
        #expect(try db.rows("SELECT b FROM \(table)") { $0.integer(0) } == [2])
        #expect(throws: MigrationError(found: 3, known: 2)) {
            try db.migrate(Array(all.prefix(2)), table: version, lock: 1)
        }
        // One that fails leaves nothing of itself, nor of those before it.
        #expect(throws: PostgreSQLError.self) {
            try db.migrate(all + ["INSERT INTO \(table) VALUES (7)", "x"], table: version, lock: 1)
        }
        #expect(try db.rows("SELECT b FROM \(table)") { $0.integer(0) } == [2])
    }

    @Test("migrates once, however many begin")
    func race() async throws {
        let (version, table) = (TestServer.name(), TestServer.name())
        let all = [
            "CREATE TABLE \(table) (a bigint)",
            "INSERT INTO \(table) VALUES (1); SELECT pg_sleep(0.1)",
        ]
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    try TestServer.connection().migrate(all, table: version, lock: 2)
                }
            }
            try await group.waitForAll()
        }
        let rows = try TestServer.connection().rows("SELECT a FROM \(table)") { $0.integer(0) }
        #expect(rows == [1])
    }
}
