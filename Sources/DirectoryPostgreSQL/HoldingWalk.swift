import Directory
import Folding
import PostgreSQL

/// One request's walk over the entries, in the order of their key.
///
/// It may have to pass over any number of entries whose peers are away, or of names that share
/// their grams with the query; so it goes in blocks, each a statement that reads a bounded number
/// of rows, and stops after a time, and says where.
struct HoldingWalk {
    /// Entries of a block: the first, and the most; each next is four times as large.
    private static let entriesMin = 64
    private static let entriesMax = 4_096

    let db: Connection
    let now: UnixTime
    let limit: Int
    private let store: PostgreSQLStore
    /// Behind which the walk goes on.
    var position: EntryPosition
    private var deadline: ContinuousClock.Instant
    private var found: [Holding] = []

    init(
        store: PostgreSQLStore, db: Connection, now: UnixTime, limit: Int, position: EntryPosition
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
            case .all: try entries("true")
            case .named(let filename): try walk(named: filename)
            case .containing(let part): try walk(containing: FoldedName(part))
            // Ordered by all columns of the index, so that it is the one that is used.
            case .sha256(let digest):
                try entries("sha256 = $5", [.bytes(digest.bytes)], order: "sha256, ")
            case .heldBy(let peer): try walk(heldBy: peer)
            }
        return Page(found, next: isAtEnd ? nil : position.cursor)
    }

    var mustStop: Bool { found.count >= limit || ContinuousClock.now >= deadline }

    // MARK: Entries

    private static let columns = "name_id, account_id, size, sha256, modified, url"

    /// Walks the entries of a condition, whose parameters begin with `$5`.
    ///
    /// - Returns: Whether it came to the end, as all the walks.
    private mutating func entries(
        _ condition: String, _ values: [Value] = [], order: String = ""
    ) throws -> Bool {
        try entries(
            block: """
                SELECT \(Self.columns) FROM directory_entry
                WHERE \(condition) AND (name_id, account_id) > ($1, $2)
                ORDER BY \(order)name_id, account_id LIMIT $3
                """, values)
    }

    /// Walks the entries of some names, which are in order.
    mutating func entries(ofNames names: [Int64]) throws -> Bool {
        // By LATERAL, so that of a name with many no more are read than are shown.
        try entries(
            block: """
                SELECT entry.* FROM unnest($5::bigint[]) AS wanted (id), LATERAL (
                    SELECT \(Self.columns) FROM directory_entry
                    WHERE name_id = wanted.id AND (name_id, account_id) > ($1, $2)
                    ORDER BY name_id, account_id LIMIT $3) AS entry
                LIMIT $3
                """, [.integers(names)])
    }

    private mutating func entries(block: String, _ values: [Value]) throws -> Bool {
        var size = min(max(limit, Self.entriesMin), Self.entriesMax)
        while true {
            let rows = try rows(of: block, size: size, values)
            for row in rows {
                position = row.position
                if let holding = row.holding { found.append(holding) }
                if found.count >= limit { return false }
            }
            if rows.count < size { return true }
            if mustStop { return false }
            size = min(4 * size, Self.entriesMax)
        }
    }

    /// The next entries, and of those whose peers are there what is known.
    private func rows(
        of block: String, size: Int, _ values: [Value]
    ) throws -> [(position: EntryPosition, holding: Holding?)] {
        try db.rows(
            """
            WITH block AS MATERIALIZED (\(block))
            SELECT name_id, block.account_id, size, sha256, modified, url, filename,
                account.name, rest_url, grpc, peer_id
            FROM block
                LEFT JOIN directory_lease AS lease
                    ON lease.account_id = block.account_id AND expires > $4
                LEFT JOIN directory_account AS account ON account.id = lease.account_id
                LEFT JOIN directory_name AS name
                    ON name.id = name_id AND lease.account_id IS NOT NULL
            ORDER BY name_id, block.account_id
            """,
            [
                .integer(position.name), .integer(position.account), .integer(Int64(size)),
                .integer(now.milliseconds),
            ] + values
        ) { row in
            let position = EntryPosition(name: row.integer(0), account: row.integer(1))
            if row.isNull(7) { return (position, nil) }
            let holding = Holding(
                peer: row.text(7), contact: PostgreSQLStore.contact(row, from: 8),
                entry: ListWriter.entry(row, from: 2))
            return (position, holding)
        }
    }

    private mutating func walk(named filename: String) throws -> Bool {
        if filename.utf8.contains(0) { return true }
        let name = try db.first(
            "SELECT id FROM directory_name WHERE filename = $1", [.text(filename)]
        ) { $0.integer(0) }
        guard let name else { return true }
        return try entries("name_id = $5", [.integer(name)])
    }

    private mutating func walk(heldBy peer: String) throws -> Bool {
        if peer.utf8.contains(0) { return true }
        let account = try db.first(
            """
            SELECT account_id FROM directory_account AS account
                JOIN directory_lease ON account_id = account.id
            WHERE name = $1 AND expires > $2
            """, [.text(peer), .integer(now.milliseconds)]
        ) { $0.integer(0) }
        guard let account else { return true }
        return try entries("account_id = $5", [.integer(account)], order: "account_id, ")
    }

    private mutating func walk(containing part: FoldedName) throws -> Bool {
        let wanted = Array(part.string.utf8)
        if wanted.isEmpty || wanted.contains(0) { return true }
        let last = try db.first("SELECT max(id) FROM directory_name") { $0.integer(0) } ?? 0
        let sample = try store.sample(db, last: last)
        // The sample, which is taken seldom, is not this search's to pay for.
        deadline = .now + store.configuration.searchTime
        let start = position
        var names = NameWalk(wanted, sample, last: last, from: start.name)
        while !names.isAtEnd {
            let step = try names.next(db, until: deadline)
            if try !step.names.isEmpty && !entries(ofNames: step.names) { return false }
            // A window that turns out to be dense is begun again: nothing is shown twice, and no page
            // ends where it began.
            position = max(position, step.end)
            if mustStop, position > start { return names.isAtEnd }
        }
        return true
    }
}
