extension SQLiteStore {
    package func holdings(
        _ query: FileQuery, after: PageCursor?, limit: Int, now: UnixTime
    ) async throws(StoreError) -> Page<Holding> {
        var start = HoldingCursor.start
        if let after {
            guard let cursor = HoldingCursor(after.string) else { throw .badCursor }
            start = cursor
        }
        let position = start
        return try await read { db in
            var search = HoldingSearch(
                store: self, db: db, now: now, limit: limit, position: position)
            return try search.run(query)
        }
    }
}

/// The entry that was looked at last, by its key: `NAME-ACCOUNT`.
struct HoldingCursor: Equatable, Sendable {
    var name: Int64
    var account: Int64

    static let start = HoldingCursor(name: 0, account: 0)

    init(name: Int64, account: Int64) {
        self.name = name
        self.account = account
    }

    init?(_ string: String) {
        let parts = string.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        guard string.utf8.count <= 40, parts.count == 2, let name = Int64(parts[0]),
            let account = Int64(parts[1]), name >= 0, account >= 0
        else { return nil }
        self.init(name: name, account: account)
    }

    var string: String { "\(name)-\(account)" }
}
