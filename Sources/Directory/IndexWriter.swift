import Folding
import SQLite

/// Writes one peer's list, within a transaction.
struct IndexWriter {
    let db: Connection
    let account: Int64

    // MARK: The list's state

    func state() throws -> IndexState {
        let state = try db.first(
            "SELECT version, received, files FROM account WHERE id = ?", [.integer(account)],
            Self.state)
        return state ?? IndexState()
    }

    static func state(_ row: borrowing Row) -> IndexState {
        IndexState(
            version: SHA256Digest(bytes: row.blob(0)).map(IndexVersion.init) ?? .empty,
            received: SHA256Digest(bytes: row.blob(1)), files: Int(row.integer(2)))
    }

    func setState(_ state: IndexState) throws {
        try db.run(
            "UPDATE account SET version = ?, received = ?, files = ? WHERE id = ?",
            [
                .blob(state.version.sum.bytes), Value(state.received?.bytes),
                .integer(Int64(state.files)), .integer(account),
            ])
    }

    // MARK: Files

    func replace(with list: IndexList) throws {
        var listed = Set<Int64>(minimumCapacity: list.entries.count)
        for entry in list.entries {
            let name = try nameID(entry.filename)
            listed.insert(name)
            try put(entry, name: name)
        }
        for name in try names() where !listed.contains(name) {
            try remove(name: name)
        }
    }

    func removeAll() throws {
        for name in try names() { try remove(name: name) }
    }

    /// The names that the peer lists.
    private func names() throws -> [Int64] {
        try db.rows("SELECT name_id FROM entry WHERE account_id = ?", [.integer(account)]) {
            $0.integer(0)
        }
    }

    /// - Returns: The state that it comes to; nil when that is not the result that the peer has.
    func apply(_ delta: IndexDelta, to state: IndexState) throws -> IndexState? {
        var state = state
        for filename in delta.removed {
            guard let name = try knownNameID(filename),
                let before = try entry(filename, name: name)
            else { continue }
            try remove(name: name)
            state.version.remove(before)
            state.files -= 1
        }
        for entry in delta.changed {
            let name = try nameID(entry.filename)
            if let before = try self.entry(entry.filename, name: name) {
                state.version.remove(before)
            } else {
                state.files += 1
            }
            try put(entry, name: name)
            state.version.add(entry)
        }
        if let result = delta.result, result != state.version { return nil }
        state.received = nil
        try setState(state)
        return state
    }

    /// Touches the row only where something differs.
    private func put(_ entry: IndexEntry, name: Int64) throws {
        try db.run(
            """
            INSERT INTO entry (name_id, account_id, size, sha256, modified, url)
            VALUES (?, ?, ?, ?, ?, ?)
            ON CONFLICT DO UPDATE SET size = excluded.size, sha256 = excluded.sha256,
                modified = excluded.modified, url = excluded.url
            WHERE size IS NOT excluded.size OR sha256 IS NOT excluded.sha256
                OR modified IS NOT excluded.modified OR url IS NOT excluded.url
            """,
            [
                .integer(name), .integer(account), Value(entry.size), Value(entry.sha256?.bytes),
                Value(entry.modified), Value(entry.url),
            ])
    }

    private func entry(_ filename: String, name: Int64) throws -> IndexEntry? {
        try db.first(
            """
            SELECT size, sha256, modified, url FROM entry WHERE name_id = ? AND account_id = ?
            """, [.integer(name), .integer(account)]
        ) { row in Self.entry(filename, row, from: 0) }
    }

    /// From the columns size, sha256, modified and url.
    static func entry(_ filename: String, _ row: borrowing Row, from column: Int) -> IndexEntry {
        IndexEntry(
            filename: filename, size: row.isNull(column) ? nil : row.integer(column),
            sha256: SHA256Digest(bytes: row.blob(column + 1)),
            modified: row.isNull(column + 2) ? nil : row.integer(column + 2),
            url: row.isNull(column + 3) ? nil : row.text(column + 3))
    }

    /// Also the name, when nobody else lists it.
    private func remove(name: Int64) throws {
        try db.run(
            "DELETE FROM entry WHERE name_id = ? AND account_id = ?",
            [.integer(name), .integer(account)])
        let isListed = try db.first("SELECT 1 FROM entry WHERE name_id = ?", [.integer(name)]) {
            _ in true
        }
        if isListed == true { return }
        let filename = try db.first("SELECT filename FROM name WHERE id = ?", [.integer(name)]) {
            $0.text(0)
        }
        guard let filename else { return }
        try db.run("DELETE FROM name WHERE id = ?", [.integer(name)])
        try db.run(
            "INSERT INTO name_text (name_text, rowid, grams) VALUES ('delete', ?, ?)",
            [.integer(name), .text(GramText.words(of: FoldedName(ofFile: filename)))])
    }

    // MARK: Names

    private func knownNameID(_ filename: String) throws -> Int64? {
        try db.first("SELECT id FROM name WHERE filename = ?", [.text(filename)]) { $0.integer(0) }
    }

    private func nameID(_ filename: String) throws -> Int64 {
        if let known = try knownNameID(filename) { return known }
        try db.run("INSERT INTO name (filename) VALUES (?)", [.text(filename)])
        let id = db.lastInsertedRow
        try db.run(
            "INSERT INTO name_text (rowid, grams) VALUES (?, ?)",
            [.integer(id), .text(GramText.words(of: FoldedName(ofFile: filename)))])
        return id
    }
}
