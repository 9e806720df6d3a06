import Directory
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
    /// Names of one answer of the index.
    private static let namesMax = 256
    /// Names that match in one window; one that has more is left for one of a level below. More
    /// than ``IDWindow`` of level 0 has names.
    private static let matchingMax = 4_096
    /// A window with fewer names is followed by one of the level above...
    private static let sparse = 16
    /// ...but beyond this level only if it took no longer than this; after more than `slow` by one
    /// of the level below. Time alone would keep a busy server's windows small, and its searches
    /// at work for ever.
    private static let freeLevel = 1
    private static let quick = Duration.milliseconds(1)
    private static let slow = Duration.milliseconds(8)

    let db: Connection
    let now: UnixTime
    let limit: Int
    /// Behind which the walk goes on.
    private var position: EntryPosition
    private let deadline: ContinuousClock.Instant
    private var found: [Holding] = []

    init(db: Connection, now: UnixTime, limit: Int, position: EntryPosition, time: Duration) {
        self.db = db
        self.now = now
        self.limit = limit
        self.position = position
        deadline = .now + time
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
        return Page(found, next: isAtEnd ? nil : PageCursor(position.string))
    }

    private var mustStop: Bool { found.count >= limit || ContinuousClock.now >= deadline }

    // MARK: Entries

    /// Walks the entries of a condition, whose parameters begin with `$5`.
    ///
    /// - Returns: Whether it came to the end, as all the walks.
    private mutating func entries(
        _ condition: String, _ values: [Value] = [], order: String = ""
    ) throws -> Bool {
        var size = min(max(limit, Self.entriesMin), Self.entriesMax)
        while true {
            let rows = try block(condition, values, order: order, size: size)
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
    private func block(
        _ condition: String, _ values: [Value], order: String, size: Int
    ) throws -> [(position: EntryPosition, holding: Holding?)] {
        try db.rows(
            """
            WITH block AS MATERIALIZED (
                SELECT name_id, account_id, size, sha256, modified, url FROM directory_entry
                WHERE \(condition) AND (name_id, account_id) > ($1, $2)
                ORDER BY \(order)name_id, account_id LIMIT $3)
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

    // MARK: Names

    private mutating func walk(containing part: FoldedName) throws -> Bool {
        let wanted = Array(part.string.utf8)
        if wanted.isEmpty || wanted.contains(0) { return true }
        let last = try db.first("SELECT max(id) FROM directory_name") { $0.integer(0) } ?? 0
        var level = 0
        while position.name <= last {
            let start = ContinuousClock.now
            let window = IDWindow(level: level, containing: position.name)
            guard let names = try names(window, like: wanted) else {
                level -= 1
                continue
            }
            if try !walk(names, of: window, containing: wanted) { return false }
            if mustStop { return position.name > last }
            let time = ContinuousClock.now - start
            if level > Self.freeLevel, time > Self.slow {
                level -= 1
            } else if names.count < Self.sparse, level < Self.freeLevel || time < Self.quick {
                level = min(level + 1, IDWindow.levels - 1)
            }
        }
        return true
    }

    private typealias Name = (id: Int64, folded: FoldedName)

    /// Walks the names of a window, or the first of them, and goes to where it came.
    ///
    /// - Returns: false when it has to stop.
    private mutating func walk(
        _ names: [Name], of window: IDWindow, containing wanted: [UInt8]
    ) throws -> Bool {
        let matching = names.filter { Self.contains($0.folded, wanted) }.map(\.id)
        if !matching.isEmpty,
            try !entries("name_id = ANY ($5)", [.integers(matching)])
        {
            return false
        }
        position =
            if names.count == Self.namesMax, let last = names.last {
                EntryPosition(name: last.id, account: .max)
            } else {
                EntryPosition(name: window.end, account: 0)
            }
        return true
    }

    /// The next names that have all grams of `wanted`, in the order of ids.
    ///
    /// - Returns: nil when the window has too many.
    private func names(_ window: IDWindow, like wanted: [UInt8]) throws -> [Name]? {
        let grams = NameGrams.query(for: wanted)
        var values: [Value] = [
            .smallIntegers([window.element] + grams.all), .integer(position.name),
            .integer(Int64(Self.namesMax)), .integer(Int64(Self.matchingMax)),
        ]
        // The operators by their schema: the extension intarray has some of the same names, that
        // this index does not know.
        var condition = "grams OPERATOR(pg_catalog.@>) $1"
        if !grams.any.isEmpty {
            condition += " AND grams OPERATOR(pg_catalog.&&) $5"
            values.append(.smallIntegers(grams.any))
        }
        // Apart, so that nobody thinks of walking all ids in their order instead.
        let rows = try db.rows(
            """
            WITH matching AS MATERIALIZED (
                SELECT id, filename FROM directory_name WHERE \(condition) LIMIT $4)
            SELECT count(*), NULL FROM matching
            UNION ALL (SELECT id, filename FROM matching WHERE id >= $2 ORDER BY id LIMIT $3)
            """, values
        ) { row in (id: row.integer(0), filename: row.isNull(1) ? nil : row.text(1)) }
        let count = rows.first { $0.filename == nil }?.id ?? 0
        if window.level > 0, count >= Self.matchingMax { return nil }
        return rows.compactMap { row in
            row.filename.map { (id: row.id, folded: FoldedName(ofFile: $0)) }
        }
    }

    private static func contains(_ name: FoldedName, _ part: [UInt8]) -> Bool {
        var copy = name.string
        return copy.withUTF8 { bytes in
            guard let first = part.first, bytes.count >= part.count else { return false }
            for start in 0...(bytes.count - part.count) where bytes[start] == first {
                if bytes[start..<(start + part.count)].elementsEqual(part) { return true }
            }
            return false
        }
    }
}
