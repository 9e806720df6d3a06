import Folding
import SQLite

/// One request's walk over the entries, in the order of their key.
///
/// It may have to pass over any number of entries whose peers are away, or of names that share
/// their grams with the query; so it stops after ``SQLiteStore/Configuration/searchTime``, and
/// says where.
struct HoldingSearch {
    /// Ids of names that one full-text statement spans at first. Nothing comes out of one that
    /// finds nothing, so each is short; after one that was quick the next spans twice as many.
    private static let windowMin: Int64 = 131_072
    private static let quick = Duration.milliseconds(2)

    private static let entryColumns =
        "entry.name_id, entry.account_id, size, sha256, modified, url"

    let store: SQLiteStore
    let db: Connection
    let now: UnixTime
    let limit: Int
    /// Behind which the walk goes on.
    var position: EntryPosition
    private let deadline: ContinuousClock.Instant
    private var found: [Holding] = []

    init(
        store: SQLiteStore, db: Connection, now: UnixTime, limit: Int, position: EntryPosition
    ) {
        self.store = store
        self.db = db
        self.now = now
        self.limit = limit
        self.position = position
        deadline = .now + store.configuration.searchTime
    }

    mutating func run(_ query: FileQuery) throws -> Page<Holding> {
        let isAtEnd: Bool =
            switch query {
            case .all: try walkAll()
            case .named(let filename): try walk(named: filename)
            case .containing(let part): try walk(containing: FoldedName(part))
            case .sha256(let digest): try walk(digest)
            case .heldBy(let peer): try walk(heldBy: peer)
            }
        return Page(found, next: isAtEnd ? nil : position.cursor)
    }

    private var mustStop: Bool { found.count >= limit || ContinuousClock.now >= deadline }

    // MARK: Entries

    /// - Returns: Whether it came to the end, as all the walks.
    private mutating func walkAll() throws -> Bool {
        try entries(
            """
            SELECT \(Self.entryColumns), filename FROM entry CROSS JOIN name ON name.id = name_id
            WHERE (name_id, account_id) > (?, ?) ORDER BY name_id, account_id
            """, [.integer(position.name), .integer(position.account)])
    }

    private mutating func walk(_ digest: SHA256Digest) throws -> Bool {
        try entries(
            """
            SELECT \(Self.entryColumns), filename FROM entry CROSS JOIN name ON name.id = name_id
            WHERE sha256 = ? AND (name_id, account_id) > (?, ?) ORDER BY name_id, account_id
            """, [.blob(digest.bytes), .integer(position.name), .integer(position.account)])
    }

    private mutating func walk(named filename: String) throws -> Bool {
        let name = try db.first("SELECT id FROM name WHERE filename = ?", [.text(filename)]) {
            $0.integer(0)
        }
        guard let name, name >= position.name else { return true }
        return try walk(holdersOf: name, filename: filename)
    }

    /// Those behind `position`.
    private mutating func walk(holdersOf name: Int64, filename: String) throws -> Bool {
        let after = name == position.name ? position.account : 0
        return try entries(
            """
            SELECT \(Self.entryColumns) FROM entry
            WHERE name_id = ? AND account_id > ? ORDER BY account_id
            """, [.integer(name), .integer(after)], filename: filename)
    }

    private mutating func walk(heldBy peer: String) throws -> Bool {
        let row = store.leases.withLock { $0.row(ofPeer: peer) }
        guard let row, row.lease.isActive(at: now) else { return true }
        return try entries(
            """
            SELECT \(Self.entryColumns), filename
            FROM entry INDEXED BY entry_account CROSS JOIN name ON name.id = name_id
            WHERE account_id = ? AND name_id > ? ORDER BY name_id
            """, [.integer(row.account), .integer(position.name)])
    }

    /// - Parameter filename: Of all the rows; nil when it is their last column.
    private mutating func entries(
        _ sql: String, _ values: [Value], filename: String? = nil
    ) throws -> Bool {
        var isAtEnd = true
        try db.forEach(sql, values) { row in
            position = EntryPosition(name: row.integer(0), account: row.integer(1))
            if let lease = activeLease(position.account) {
                found.append(
                    Holding(
                        peer: lease.peer, contact: lease.contact,
                        entry: IndexWriter.entry(filename ?? row.text(6), row, from: 2)))
            }
            isAtEnd = !mustStop
            return isAtEnd
        }
        return isAtEnd
    }

    private func activeLease(_ account: Int64) -> Lease? {
        let row = store.leases.withLock { $0[account] }
        guard let row, row.lease.isActive(at: now) else { return nil }
        return row.lease
    }

    // MARK: Names

    private mutating func walk(containing part: FoldedName) throws -> Bool {
        let wanted = Array(part.string.utf8)
        if wanted.isEmpty || wanted.contains(0) { return true }
        let last = try db.first("SELECT max(id) FROM name") { $0.integer(0) } ?? 0
        guard let query = GramText.query(for: part, try sample(last: last)) else {
            return try names(
                "SELECT id, filename FROM name WHERE id >= ? ORDER BY id",
                [.integer(position.name)], containing: wanted)
        }
        // Of an OR every step is a name, and the time is looked at; opening its many lists anew
        // for each window would take longer.
        var window = wanted.count == 2 ? last : Self.windowMin
        while position.name <= last {
            let start = ContinuousClock.now
            let end = min(position.name + window, last)
            let isAtEnd = try names(
                """
                SELECT name.id, filename FROM name_text CROSS JOIN name ON name.id = name_text.rowid
                WHERE name_text MATCH ? AND name_text.rowid BETWEEN ? AND ?
                """, [.text(query), .integer(position.name), .integer(end)], containing: wanted)
            if !isAtEnd { return false }
            position = EntryPosition(name: end + 1, account: 0)
            if mustStop { return position.name > last }
            if ContinuousClock.now - start < Self.quick { window *= 2 }
        }
        return true
    }

    private func sample(last: Int64) throws -> NameSample {
        let known = store.sample.withLock { $0 }
        guard known.isOutdated(last: last) else { return known }
        let step = NameSample.step(last: last)
        var filenames: [String] = []
        for start in stride(from: 0, through: last, by: Int(step)) {
            filenames += try db.rows(
                "SELECT filename FROM name WHERE id >= ? ORDER BY id LIMIT ?",
                [.integer(start), .integer(min(step, NameSample.namesPerPlace))]
            ) { $0.text(0) }
        }
        let sample = NameSample(filenames, last: last)
        store.sample.withLock { $0 = sample }
        return sample
    }

    /// From the columns id and filename, in the order of ids.
    private mutating func names(
        _ sql: String, _ values: [Value], containing wanted: [UInt8]
    ) throws -> Bool {
        var isAtEnd = true
        try db.forEach(sql, values) { row in
            let (name, filename) = (row.integer(0), row.text(1))
            if FoldedName(ofFile: filename).contains(wanted) {
                isAtEnd = try walk(holdersOf: name, filename: filename)
                if !isAtEnd { return false }
            }
            position = EntryPosition(name: name + 1, account: 0)
            isAtEnd = !mustStop
            return isAtEnd
        }
        return isAtEnd
    }
}
