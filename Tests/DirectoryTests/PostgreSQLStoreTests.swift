import Directory
import Dispatch
import PostgreSQL
import Testing

@testable import DirectoryPostgreSQL

@Suite(
    "A store in PostgreSQL",
    .enabled(if: TestPostgreSQL.url != nil, Comment(rawValue: TestPostgreSQL.whyNot)))
struct PostgreSQLStoreTests {
    /// Several processes are several stores.
    private func stores(
        _ count: Int, _ url: String? = nil
    ) throws -> [PostgreSQLStore] {
        let url = try url ?? TestPostgreSQL.makeSchema()
        return try (0..<count).map { _ in try PostgreSQLStore(url: url) }
    }

    // MARK: Several processes

    @Test("Eight processes that start at once make one schema")
    func race() async throws {
        let url = try TestPostgreSQL.makeSchema()
        let stores = try await withThrowingTaskGroup(of: PostgreSQLStore.self) { group in
            for _ in 0..<8 { group.addTask { try PostgreSQLStore(url: url) } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        try await stores[0].add("a")
        for store in stores { #expect(try await store.account(named: "a") != nil) }
    }

    @Test("What one process did the others see at once")
    func together() async throws {
        let stores = try stores(2)
        try await stores[0].add("a")
        let lease = try await stores[1].open("a").lease
        try await stores[0].list("a", "x")
        #expect(try await stores[1].found(.containing("X")) == ["a:x"])
        #expect(try await stores[0].extendLease(lease.token, until: .at(90), now: .at(30)) != nil)
        #expect(try await stores[1].activePeers(now: .at(89)) == ["a"])
        #expect(try await stores[1].endLease(lease.token, now: .at(89)) != nil)
        #expect(try await stores[0].found(.all) == [])
    }

    @Test("Each expired lease is told to one of several processes")
    func expiry() async throws {
        let stores = try stores(3)
        let names = (0..<60).map { "peer\($0)" }
        for name in names {
            try await stores[0].add(name)
            try await stores[0].open(name)
        }
        let told = try await withThrowingTaskGroup(of: [String].self) { group in
            for store in stores {
                group.addTask {
                    var told: [String] = []
                    // Others may hold those that are left: until nobody has any.
                    while try await !store.activePeers(now: .at(1)).isEmpty {
                        told += try await store.expireLeases(now: .at(60), limit: 7).map(\.peer)
                    }
                    return told
                }
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        #expect(told.sorted() == names.sorted())
    }

    @Test("Lists that share their names may be written at once, in any order", arguments: 1...3)
    func contention(seed: UInt64) async throws {
        let url = try TestPostgreSQL.makeSchema()
        let stores = try stores(3, url)
        let peers = (0..<6).map { "peer\($0)" }
        for peer in peers {
            try await stores[0].add(peer)
            try await stores[0].open(peer)
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (index, peer) in peers.enumerated() {
                group.addTask {
                    var random = SeededGenerator(seed: seed * 100 + UInt64(index))
                    for _ in 0..<12 {
                        let names = (0..<30).filter { _ in Bool.random(using: &random) }
                            .shuffled(using: &random)
                        let entries = names.map { IndexEntry(filename: "shared\($0)") }
                        let store = stores[index % stores.count]
                        _ = try await store.replaceIndex(ofPeer: peer, with: IndexList(entries))
                        let held = try await store.all(.heldBy(peer)).map(\.entry)
                        #expect(IndexList(held).version == IndexVersion(of: entries))
                        try await store.flush()
                    }
                }
            }
            try await group.waitForAll()
        }
        for peer in peers { try await stores[0].list(peer) }
        try await stores[0].flush()
        let db = try TestPostgreSQL.connection(url)
        #expect(try db.first("SELECT count(*) FROM directory_entry") { $0.integer(0) } == 0)
        #expect(try db.first("SELECT count(*) FROM directory_name") { $0.integer(0) } == 0)
    }

    // MARK: An older schema

    /// On a thread of its own: those that wait must not hold up the test.
    private func opened(_ url: String) async throws -> PostgreSQLStore {
        try await withCheckedThrowingContinuation { continuation in
            DispatchQueue(label: "opening").async {
                continuation.resume(with: Result { try PostgreSQLStore(url: url) })
            }
        }
    }

    /// With a peer `a` that lists `D/A~`. The connection, which goes, has the lock of migrations.
    private func makeFirstVersion(_ url: String) throws {
        let db = try TestPostgreSQL.connection(url)
        try db.migrate(
            Array(PostgreSQLSchema.migrations.prefix(1)), table: PostgreSQLSchema.versionTable,
            lock: PostgreSQLSchema.lock)
        try db.execute(
            """
            INSERT INTO directory_account (name, password_hash, files) VALUES ('a', 'hash', 1);
            INSERT INTO directory_name (id, filename, grams)
                VALUES (70000, 'D/A~', '{16777313,16777342,56720896,58589184,-1,-268435457}');
            INSERT INTO directory_entry (name_id, account_id, size) VALUES (70000, 1, 7);
            """)
    }

    @Test("Of several processes that find an older schema one migrates it, the others wait")
    func migration() async throws {
        let url = try TestPostgreSQL.makeSchema()
        try makeFirstVersion(url)
        let db = try TestPostgreSQL.connection(url)
        // Who migrates gets as far as this table.
        try db.execute("BEGIN; LOCK TABLE directory_name IN ACCESS SHARE MODE")
        let opening = (0..<3).map { _ in Task { try await opened(url) } }
        let waiting = """
            SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
                AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
            """
        while try db.run(waiting) < 2 { await Task.yield() }
        #expect(try db.first("SELECT version FROM directory_schema") { $0.integer(0) } == 1)
        try db.execute("COMMIT")
        for task in opening {
            let store = try await task.value
            try await store.open("a")
            for part in ["a~", "~", "A"] {
                #expect(try await store.found(.containing(part)) == ["a:D/A~"])
            }
        }
        #expect(try db.first("SELECT version FROM directory_schema") { $0.integer(0) } == 2)
    }

    // MARK: The server

    @Test("A list whose connection is lost on the way is there whole or not at all")
    func lostWhileWriting() async throws {
        let url = try TestPostgreSQL.makeSchema()
        let store = try PostgreSQLStore(url: url)
        try await store.add("a")
        try await store.open("a")
        try await store.list("a", "before")
        let entries = (0..<20_000).map { IndexEntry(filename: "file\($0)") }
        let admin = try TestPostgreSQL.connection(url)
        // All entries are written when it comes to those that are to go.
        try admin.execute("BEGIN; LOCK TABLE directory_unlisted IN SHARE MODE")
        let writing = Task { try await store.replaceIndex(ofPeer: "a", with: IndexList(entries)) }
        let endWriter = """
            SELECT pg_terminate_backend(pid) FROM pg_locks
            WHERE relation = 'directory_unlisted'::regclass AND NOT granted
            """
        while try admin.run(endWriter) == 0 { await Task.yield() }
        try admin.execute("ROLLBACK")
        await #expect {
            _ = try await writing.value
        } throws: { error in
            guard case .unavailable = error as? StoreError else { return false }
            return true
        }
        #expect(try await store.found(.all) == ["a:before"])
        #expect(try await store.indexState(ofPeer: "a").files == 1)
        _ = try await store.replaceIndex(ofPeer: "a", with: IndexList(entries))
        #expect(try await store.indexState(ofPeer: "a").files == 20_000)
    }

    @Test("A statement that takes too long is given up")
    func timeout() async throws {
        var configuration = PostgreSQLStore.Configuration()
        configuration.database.connection.statementTimeout = 100
        let url = try TestPostgreSQL.makeSchema()
        let store = try PostgreSQLStore(url: url, configuration: configuration)
        try await store.add("a")
        let other = try TestPostgreSQL.connection(url)
        try other.execute("BEGIN; LOCK TABLE directory_lease")
        await #expect {
            try await store.open("a")
        } throws: { error in
            guard case .unavailable(let reason) = error as? StoreError else { return false }
            return reason.contains("57014")
        }
        try other.execute("ROLLBACK")
        try await store.open("a")
    }

    // MARK: What it refuses

    @Test("A store that can not be opened says why, without its password")
    func refusals() throws {
        let urls = [
            "postgresql://u:secret@/x?host=/nonexistent": "store postgresql://u@/x is not reached",
            "postgresql://u:sec@ret@host/x": "%40", "postgresql://u:secret@host:port/x": "%3A",
            "\(TestPostgreSQL.url ?? "")&options=-csearch_path%3Dnone": "CREATE SCHEMA",
        ]
        for (url, words) in urls {
            #expect {
                _ = try PostgreSQLStore(url: url)
            } throws: { error in
                guard case .unavailable(let reason) = error as? StoreError else { return false }
                return reason.contains(words) && !reason.contains("ret")
            }
        }
    }

    @Test("A schema of a newer program is left alone")
    func newer() throws {
        let url = try TestPostgreSQL.makeSchema()
        _ = try PostgreSQLStore(url: url)
        let db = try TestPostgreSQL.connection(url)
        try db.execute("UPDATE directory_schema SET version = 1000")
        #expect {
            _ = try PostgreSQLStore(url: url)
        } throws: {
            "\($0)".contains("schema version 1000")
        }
    }

    @Test("A database that has no place for all names is refused")
    func encoding() throws {
        let admin = try TestPostgreSQL.connection()
        try admin.execute(
            "CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
        let url = TestPostgreSQL.url?.replacing("/postgres?", with: "/latin?", maxReplacements: 1)
        #expect {
            _ = try PostgreSQLStore(url: url ?? "")
        } throws: {
            "\($0)".contains("createdb --encoding=UTF8")
        }
    }

    @Test("A user who may not make tables learns what to do")
    func rights() throws {
        let admin = try TestPostgreSQL.connection()
        try admin.execute("CREATE ROLE guest LOGIN; CREATE SCHEMA closed")
        let url = TestPostgreSQL.url?.replacing("postgres@", with: "guest@", maxReplacements: 1)
        #expect {
            _ = try PostgreSQLStore(url: "\(url ?? "")&options=-csearch_path%3Dclosed,pg_catalog")
        } throws: {
            "\($0)".contains("OWNER TO") || "\($0)".contains("CREATE SCHEMA")
        }
    }

    // MARK: Search

    @Test("A search goes through windows of ids of any size, and meets each name once")
    func windows() async throws {
        let url = try TestPostgreSQL.makeSchema()
        let store = try PostgreSQLStore(url: url)
        try await store.add("a")
        try await store.open("a")
        let db = try TestPostgreSQL.connection(url)
        var expected: [String] = []
        // Across the borders of windows, and of those that are looked up at once.
        for shift in [11, 16, 17, 20, 23, 40] as [Int64] {
            for id in [-2, -1, 0, 1, 2] {
                let value = (1 << shift) + Int64(id)
                try db.run("SELECT setval('directory_name_id', $1)", [.integer(value - 1)])
                let name = "rare\(value)"
                let base = try await store.indexState(ofPeer: "a").version
                _ = try await store.applyDelta(
                    IndexDelta(base: base, changed: [IndexEntry(filename: name)], removed: []),
                    ofPeer: "a", filesMax: 100)
                expected.append("a:\(name)")
            }
        }
        for part in ["rare", "ra", "r", "RARE"] {
            for limit in [1, 3, 100] {
                #expect(try await store.found(.containing(part), limit: limit) == expected.sorted())
            }
        }
        #expect(try await store.found(.containing("rarex")) == [])
    }

    @Test(
        "What is common, here or everywhere, is read; the rest is looked up; both in one order",
        arguments: [1, 7, 1000])
    func common(limit: Int) async throws {
        let url = try TestPostgreSQL.makeSchema()
        let store = try PostgreSQLStore(url: url)
        try await store.add("a")
        try await store.open("a")
        // A window with more names of a kind than are looked up, between two that have none.
        let names =
            (0..<3000).map { "one/name\($0).bin" } + (0..<3000).map { "two/dense\($0).txt" }
            + (0..<20).map { "two/needle\($0).txt" }
        let db = try TestPostgreSQL.connection(url)
        for (part, start) in [(names[..<3000], 1), (names[3000...], 3 << 16)]
            as [(ArraySlice<String>, Int64)]
        {
            try db.run("SELECT setval('directory_name_id', $1)", [.integer(start)])
            let base = try await store.indexState(ofPeer: "a").version
            _ = try await store.applyDelta(
                IndexDelta(base: base, changed: part.map { IndexEntry(filename: $0) }, removed: []),
                ofPeer: "a", filesMax: 10_000)
        }
        for part in ["dense1", "dense", "NEEDLE", "e", "ens", "en", "dle1", "name2", "xt", "7"] {
            let expected = names.filter {
                $0.split(separator: "/")[1].contains(part.lowercased())
            }
            if limit < 10, expected.count > 100 { continue }
            #expect(
                try await store.found(.containing(part), limit: limit)
                    == expected.map { "a:\($0)" }.sorted(), "\(part)")
        }
    }

    @Test("A walk that goes on within a window of many misses none", arguments: [100, 2500])
    func resumed(limit: Int) async throws {
        let url = try TestPostgreSQL.makeSchema()
        let store = try PostgreSQLStore(url: url)
        let db = try TestPostgreSQL.connection(url)
        try await store.add("a", "b")
        try await store.open("a")
        try db.run("SELECT setval('directory_name_id', $1)", [.integer(3 << 16)])
        try await store.list("b", "other")
        // The sample that is taken here does not know what comes.
        #expect(try await store.found(.containing("dense")) == [])
        try db.run("SELECT setval('directory_name_id', $1)", [.integer(4 << 16)])
        let names = (0..<3000).map { "dense\($0)" }
        _ = try await store.replaceIndex(
            ofPeer: "a", with: IndexList(names.map { IndexEntry(filename: $0) }))
        #expect(
            try await store.found(.containing("dense"), limit: limit)
                == names.map { "a:\($0)" }.sorted())
    }

    @Test("A name that many hold whose peers are away is passed over")
    func away() async throws {
        let url = try TestPostgreSQL.makeSchema()
        let store = try PostgreSQLStore(url: url)
        try await store.add("a")
        try await store.list("a", "x")
        let db = try TestPostgreSQL.connection(url)
        try db.execute(
            """
            INSERT INTO directory_account (name, password_hash)
                SELECT 'b' || i, 'x' FROM generate_series(1, 10000) AS i;
            INSERT INTO directory_entry (name_id, account_id)
                SELECT directory_name.id, account.id FROM directory_name, directory_account AS account
                WHERE account.name <> 'a'
            """)
        try await store.open("b10000")
        for query in [FileQuery.all, .named("x"), .containing("x"), .heldBy("b10000")] {
            #expect(try await store.found(query) == ["b10000:x"])
        }
    }
}
