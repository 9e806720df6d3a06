import Directory
import Folding
import PostgreSQL

/// Writes one peer's list, within a transaction that has locked its account.
///
/// Names are shared by all peers. So that none is removed (``NameSweep``) while a transaction gives
/// it an entry, that holds it FOR KEY SHARE, which others may at the same time. New names are added
/// in the order of their bytes: of two that add the same ones, one waits for the other.
struct ListWriter {
    /// Files of one statement: about 1 MB.
    private static let batchSize = 5_000
    /// A name that was there may be gone when it is locked: so often in a row is no accident.
    private static let attemptsMax = 10

    let db: Connection
    let account: Int64

    // MARK: The list's state

    func state() throws -> IndexState {
        let state = try db.first(
            "SELECT version, received, files FROM directory_account WHERE id = $1",
            [.integer(account)], Self.state)
        return state ?? IndexState()
    }

    static func state(_ row: borrowing Row) -> IndexState {
        IndexState(
            version: SHA256Digest(bytes: row.bytes(0)).map(IndexVersion.init) ?? .empty,
            received: SHA256Digest(bytes: row.bytes(1)), files: Int(row.integer(2)))
    }

    func setState(_ state: IndexState) throws {
        try db.run(
            "UPDATE directory_account SET version = $1, received = $2, files = $3 WHERE id = $4",
            [
                .bytes(state.version.sum.bytes), Value(state.received?.bytes),
                .integer(Int64(state.files)), .integer(account),
            ])
    }

    // MARK: Whole lists

    func replace(with list: IndexList) throws {
        let before = try names()
        let listed = Set(try put(list.entries))
        try remove(names: before.filter { !listed.contains($0) })
    }

    func removeAll() throws {
        try remove(names: try names())
    }

    /// The names that the peer lists.
    private func names() throws -> [Int64] {
        try db.rows(
            "SELECT name_id FROM directory_entry WHERE account_id = $1", [.integer(account)]
        ) { $0.integer(0) }
    }

    // MARK: Deltas

    /// What a delta comes to, without writing it.
    ///
    /// - Returns: The state, and the ids of the names that go.
    func change(
        _ delta: IndexDelta, of state: IndexState
    ) throws -> (state: IndexState, removed: [Int64]) {
        var state = state
        state.received = nil
        var removed: Set<Int64> = []
        for batch in Self.batches(delta.removed) {
            for (name, entry) in try held(batch) where removed.insert(name).inserted {
                state.version.remove(entry)
                state.files -= 1
            }
        }
        for batch in Self.batches(delta.changed) {
            let before = try held(batch.map(\.filename))
            for (_, entry) in before { state.version.remove(entry) }
            for entry in batch { state.version.add(entry) }
            state.files += batch.count - before.count
        }
        return (state, removed.sorted())
    }

    /// Those of some files that the peer lists.
    private func held(_ filenames: some Sequence<String>) throws -> [(Int64, IndexEntry)] {
        try db.rows(
            """
            SELECT name.id, size, sha256, modified, url, listed.filename
            FROM unnest($2::text[]) AS listed (filename)
                JOIN LATERAL \(Self.nameSQL) ON true JOIN LATERAL (
                    SELECT size, sha256, modified, url FROM directory_entry
                    WHERE name_id = name.id AND account_id = $1 LIMIT 1) AS entry ON true
            """, [.integer(account), .texts(Array(filenames))]
        ) { row in (row.integer(0), Self.entry(row, from: 1)) }
    }

    /// From the columns size, sha256, modified, url and filename.
    static func entry(_ row: borrowing Row, from column: Int) -> IndexEntry {
        IndexEntry(
            filename: row.text(column + 4), size: row.isNull(column) ? nil : row.integer(column),
            sha256: SHA256Digest(bytes: row.bytes(column + 1)),
            modified: row.isNull(column + 2) ? nil : row.integer(column + 2),
            url: row.isNull(column + 3) ? nil : row.text(column + 3))
    }

    // MARK: Entries

    /// A name of a `listed` file, by LATERAL and LIMIT: so it is looked up in the index for each
    /// file, whatever else the planner thinks of.
    private static let nameSQL =
        "(SELECT id FROM directory_name WHERE filename = listed.filename LIMIT 1) AS name"

    private static let listedSQL =
        """
        unnest($2::text[], $3::bigint[], $4::bytea[], $5::bigint[], $6::text[])
            WITH ORDINALITY AS listed (filename, size, sha256, modified, url, number)
        """

    private func values(_ entries: some Collection<IndexEntry>) -> [Value] {
        [
            .integer(account), .texts(entries.map(\.filename)), .integers(entries.map(\.size)),
            .byteStrings(entries.map { $0.sha256?.bytes }), .integers(entries.map(\.modified)),
            .texts(entries.map(\.url)),
        ]
    }

    /// Adds and changes entries; touches only what differs.
    ///
    /// - Returns: The ids of their names.
    @discardableResult
    func put(_ entries: [IndexEntry]) throws -> [Int64] {
        // One order for all who write.
        let entries = entries.sorted {
            $0.filename.utf8.lexicographicallyPrecedes($1.filename.utf8)
        }
        // GIN takes what is new in the order of its keys when the list of it is full: 64 MB of a
        // long list at once, not 4 and 4, each of which goes through the whole index.
        if entries.count > Self.batchSize {
            try db.execute("SET LOCAL gin_pending_list_limit = '64MB'")
        }
        var names: [Int64] = []
        var hasNewNames = false
        for batch in Self.batches(entries) {
            let compared = try compare(batch)
            let different = compared.filter { !$0.isEqual }
            names += compared.filter(\.isEqual).compactMap(\.name)
            if different.isEmpty { continue }
            let unknown = different.filter { $0.name == nil }.map(\.entry)
            let added = try unknown.isEmpty ? [:] : addNames(unknown.map(\.filename))
            if !added.isEmpty {
                names += try insert(unknown, names: added)
                hasNewNames = true
            }
            let others = different.map(\.entry).filter { added[ExactString($0.filename)] == nil }
            if !others.isEmpty { names += try write(others) }
        }
        // Otherwise each search would read what was added one by one, until a vacuum.
        if hasNewNames {
            try db.run("SELECT gin_clean_pending_list('directory_name_grams'::regclass)")
        }
        return names
    }

    /// What is there of some entries: their names, and whether they are the same.
    private func compare(
        _ entries: ArraySlice<IndexEntry>
    ) throws -> [(entry: IndexEntry, name: Int64?, isEqual: Bool)] {
        try db.rows(
            """
            SELECT number, name.id, coalesce(
                (entry.size, entry.sha256, entry.modified, entry.url)
                    IS NOT DISTINCT FROM (listed.size, listed.sha256, listed.modified, listed.url)
                AND entry.name_id IS NOT NULL, false)
            FROM \(Self.listedSQL)
                LEFT JOIN LATERAL \(Self.nameSQL) ON true LEFT JOIN LATERAL (
                    SELECT * FROM directory_entry
                    WHERE name_id = name.id AND account_id = $1 LIMIT 1) AS entry ON true
            """, values(entries)
        ) { row in
            let entry = entries[entries.startIndex + Int(row.integer(0)) - 1]
            return (entry, row.isNull(1) ? nil : row.integer(1), row.boolean(2))
        }
    }

    /// Writes entries whose names were there a moment ago.
    ///
    /// - Returns: The ids of their names.
    private func write(_ entries: [IndexEntry]) throws -> [Int64] {
        for _ in 0..<Self.attemptsMax {
            let written = try db.rows(
                """
                INSERT INTO directory_entry (name_id, account_id, size, sha256, modified, url)
                SELECT name.id, $1, size, sha256, modified, url
                FROM \(Self.listedSQL) JOIN LATERAL (
                    SELECT id FROM directory_name WHERE filename = listed.filename
                    LIMIT 1 FOR KEY SHARE) AS name ON true
                ON CONFLICT (name_id, account_id) DO UPDATE SET size = excluded.size,
                    sha256 = excluded.sha256, modified = excluded.modified, url = excluded.url
                RETURNING name_id
                """, values(entries)
            ) { $0.integer(0) }
            if written.count == entries.count { return written }
            try addNames(entries.map(\.filename))
        }
        throw StoreError.unavailable(reason: "names come and go too quickly")
    }

    /// Writes the entries whose names this transaction has added: nobody else sees those yet.
    ///
    /// - Returns: The ids of their names.
    private func insert(
        _ entries: [IndexEntry], names: [ExactString: Int64]
    ) throws -> [Int64] {
        let added = entries.compactMap { entry in
            names[ExactString(entry.filename)].map { (name: $0, entry: entry) }
        }
        try db.run(
            """
            INSERT INTO directory_entry (name_id, account_id, size, sha256, modified, url)
            SELECT name_id, $1, size, sha256, modified, url
            FROM unnest($2::bigint[], $3::bigint[], $4::bytea[], $5::bigint[], $6::text[])
                AS listed (name_id, size, sha256, modified, url)
            """,
            [.integer(account), .integers(added.map(\.name))]
                + values(added.map(\.entry)).dropFirst(2))
        return added.map(\.name)
    }

    /// Adds those names that are not there.
    ///
    /// - Returns: The ids of those that were added.
    @discardableResult
    private func addNames(_ filenames: [String]) throws -> [ExactString: Int64] {
        let grams = filenames.map { NameGrams.literal(of: FoldedName(ofFile: $0)) }
        let added = try db.rows(
            """
            INSERT INTO directory_name (id, filename, elements)
            SELECT id, filename, \(IDWindow.elementsSQL) FROM (
                SELECT nextval('directory_name_id') AS id, filename, grams::integer[]
                FROM unnest($1::text[], $2::text[]) AS unknown (filename, grams)) AS numbered
            ON CONFLICT (filename) DO NOTHING RETURNING filename, id
            """, [.texts(filenames), .texts(grams)]
        ) { row in (ExactString(row.text(0)), row.integer(1)) }
        return Dictionary(uniqueKeysWithValues: added)
    }

    /// Removes entries; their names are left to ``NameSweep``.
    func remove(names: [Int64]) throws {
        for batch in Self.batches(names.sorted()) {
            try db.run(
                """
                WITH gone AS (
                    DELETE FROM directory_entry WHERE account_id = $1 AND name_id = ANY ($2)
                    RETURNING name_id)
                INSERT INTO directory_unlisted SELECT name_id FROM gone
                """, [.integer(account), .integers(Array(batch))])
        }
    }

    private static func batches<Element>(_ all: [Element]) -> [ArraySlice<Element>] {
        stride(from: 0, to: all.count, by: batchSize).map {
            all[$0..<min($0 + batchSize, all.count)]
        }
    }
}
