import Directory
import DirectoryPostgreSQL
import TestDirectories
import Testing

/// A kind of store that the tests of ``DirectoryStore`` run over.
struct StoreFactory: Sendable, CustomTestStringConvertible {
    /// All of them; another kind of store is one element more.
    static let all: [StoreFactory] = [.sqlite] + (TestPostgreSQL.url == nil ? [] : [.postgreSQL])

    let name: String
    /// A new and empty store.
    let make: @Sendable () async throws -> TestStore

    var testDescription: String { name }
}

/// A store, and what must live as long as it does.
struct TestStore: Sendable {
    let store: any DirectoryStore
    /// Opens the same data as after a crash: nothing is flushed before.
    let reopen: @Sendable () async throws -> any DirectoryStore
}

extension StoreFactory {
    static let sqlite = StoreFactory(name: "SQLite") {
        let directory = try TemporaryDirectory()
        let path = "\(directory.path)/directory.sqlite"
        return TestStore(store: try SQLiteStore(path: path)) {
            // Keeps the directory, too.
            try SQLiteStore(path: "\(directory.path)/directory.sqlite")
        }
    }
}

extension StoreFactory {
    static let postgreSQL = StoreFactory(name: "PostgreSQL") {
        let url = try TestPostgreSQL.makeSchema()
        return TestStore(store: try PostgreSQLStore(url: url)) { try PostgreSQLStore(url: url) }
    }
}

extension UnixTime {
    /// A moment in the tests: seconds after their beginning.
    static func at(_ seconds: Double) -> UnixTime {
        UnixTime(milliseconds: 1_700_000_000_000 + Int64((seconds * 1000).rounded()))
    }
}

extension DirectoryStore {
    func add(_ names: String...) async throws {
        for name in names {
            try await addAccount(Account(name: name, passwordHash: PasswordHash("hash of \(name)")))
        }
    }

    /// Opens a lease of 60 s, with the peer's name and the time as the token.
    @discardableResult
    func open(
        _ peer: String, at now: UnixTime = .at(0), source: String = "192.0.2.1"
    ) async throws -> (lease: Lease, replaced: Lease?) {
        let token = TokenDigest(sha256: SHA256Digest(of: "\(peer) \(now.milliseconds)".utf8))
        let lease = Lease(
            peer: peer, token: token, opened: now, expires: now + .seconds(60), source: source,
            contact: PeerContact(restURL: "http://\(source):8001", grpc: nil, peerID: "id"))
        return (lease, try await openLease(lease))
    }

    func list(_ peer: String, _ filenames: String...) async throws {
        let entries = filenames.map { IndexEntry(filename: $0, url: "[]") }
        _ = try await replaceIndex(ofPeer: peer, with: IndexList(entries))
    }

    /// All of an answer, page by page, as `PEER:FILENAME`, sorted.
    func found(
        _ query: FileQuery, limit: Int = 100, now: UnixTime = .at(1)
    ) async throws -> [String] {
        try await all(query, limit: limit, now: now).map { "\($0.peer):\($0.entry.filename)" }
            .sorted()
    }

    func all(
        _ query: FileQuery, limit: Int = 100, now: UnixTime = .at(1)
    ) async throws -> [Holding] {
        var holdings: [Holding] = []
        var cursor: PageCursor?
        repeat {
            let page = try await self.holdings(query, after: cursor, limit: limit, now: now)
            #expect(page.elements.count <= limit)
            holdings += page.elements
            cursor = page.next
        } while cursor != nil
        return holdings
    }

    func activePeers(now: UnixTime) async throws -> [String] {
        try await activeLeases(after: nil, limit: 1000, now: now).map(\.peer)
    }
}
