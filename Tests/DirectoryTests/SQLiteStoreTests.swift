import Directory
import SQLite
import TestDirectories
import Testing

@Suite("The SQLite store")
struct SQLiteStoreTests {
    let directory: TemporaryDirectory

    init() throws {
        directory = try TemporaryDirectory()
    }

    private var path: String { "\(directory.path)/directory.sqlite" }

    @Test("answers in parts when it may not take long, and misses nothing")
    func partial() async throws {
        var configuration = SQLiteStore.Configuration()
        configuration.searchTime = .zero
        let store = try SQLiteStore(path: path, configuration: configuration)
        try await store.add("a", "away")
        try await store.open("a")
        let names = (0..<30).map { IndexEntry(filename: "file\($0)") }
        _ = try await store.replaceIndex(ofPeer: "away", with: IndexList(names))
        _ = try await store.replaceIndex(ofPeer: "a", with: IndexList(Array(names[10..<15])))
        let expected = (10..<15).map { "a:file\($0)" }
        let queries = [FileQuery.all, .containing("file1"), .containing("i"), .containing("le")]
        for query in queries {
            let page = try await store.holdings(query, after: nil, limit: 50, now: .at(1))
            #expect(page.elements.count <= 1)
            #expect(page.next != nil)
            #expect(try await store.found(query, limit: 50) == expected)
        }
    }

    @Test("loses of heartbeats what was not flushed, and nothing else")
    func unflushed() async throws {
        let store = try SQLiteStore(path: path)
        try await store.add("a")
        let token = try await store.open("a").lease.token
        _ = try await store.extendLease(token, until: .at(100), now: .at(40))
        #expect(try await SQLiteStore(path: path).activePeers(now: .at(59)) == ["a"])
        #expect(try await SQLiteStore(path: path).activePeers(now: .at(60)) == [])
        try await store.flush()
        #expect(try await SQLiteStore(path: path).activePeers(now: .at(99)) == ["a"])
    }

    @Test("keeps no name that nobody lists")
    func names() async throws {
        let store = try SQLiteStore(path: path)
        try await store.add("a", "b")
        try await store.list("a", "x", "y")
        try await store.list("b", "y", "z")
        try await store.list("a")
        _ = try await store.removeAccount(named: "b", now: .at(0))
        let database = try Connection(path: path)
        #expect(try database.first("SELECT count(*) FROM name") { $0.integer(0) } == 0)
        #expect(try database.first("SELECT count(*) FROM entry") { $0.integer(0) } == 0)
        try database.execute("INSERT INTO name_text (name_text) VALUES ('integrity-check')")
    }

    @Test("walks along its indexes, without sorting")
    func plans() throws {
        _ = try SQLiteStore(path: path)
        let database = try Connection(path: path)
        for statement in [
            "FROM entry CROSS JOIN name ON name.id = name_id WHERE (name_id, account_id) > (1, 2)",
            """
            FROM entry CROSS JOIN name ON name.id = name_id
            WHERE sha256 = x'00' AND (name_id, account_id) > (1, 2)
            """,
            """
            FROM entry INDEXED BY entry_account CROSS JOIN name ON name.id = name_id
            WHERE account_id = 1 AND name_id > 2
            """,
        ] {
            let plan = try database.rows(
                "EXPLAIN QUERY PLAN SELECT * \(statement) ORDER BY name_id, account_id"
            ) { $0.text(3) }
            #expect(plan.allSatisfy { $0.hasPrefix("SEARCH") }, "\(plan)")
        }
    }

    @Test("refuses a file of a newer program, and one that is none")
    func foreign() throws {
        try Connection(path: path).execute("PRAGMA user_version = 99")
        #expect(throws: StoreError.self) { try SQLiteStore(path: path) }
        try directory.write("this is no database, however long it may be", to: "other")
        #expect(throws: StoreError.self) { try SQLiteStore(path: "\(directory.path)/other") }
    }
}
