import PostgreSQL

/// Removes names that nobody lists any more, in a transaction of its own that waits for nobody.
///
/// Who gives a name an entry holds it FOR KEY SHARE until it commits. A name that is so held is
/// left for the next time.
struct NameSweep {
    private static let batchSize = 10_000

    let db: Connection

    /// - Returns: Whether there may be more to remove.
    func run() throws -> Bool {
        let unlisted = try db.rows(
            """
            DELETE FROM directory_unlisted WHERE ctid = ANY (ARRAY(
                SELECT ctid FROM directory_unlisted LIMIT $1 FOR UPDATE SKIP LOCKED))
            RETURNING name_id
            """, [.integer(Int64(Self.batchSize))]
        ) { $0.integer(0) }
        if unlisted.isEmpty { return false }
        let locked = try db.rows(
            "SELECT id FROM directory_name WHERE id = ANY ($1) FOR UPDATE SKIP LOCKED",
            [.integers(unlisted)]
        ) { $0.integer(0) }
        // A statement of its own: it sees what was committed until the names were locked. The
        // OFFSET keeps it a look into the index for each name.
        try db.run(
            """
            DELETE FROM directory_name AS name WHERE id = ANY ($1) AND NOT EXISTS (
                SELECT FROM directory_entry WHERE name_id = name.id OFFSET 0)
            """, [.integers(locked)])
        let left = Set(unlisted).subtracting(locked)
        let later = try db.run(
            """
            INSERT INTO directory_unlisted
            SELECT id FROM directory_name WHERE id = ANY ($1)
            """, [.integers(left.sorted())])
        return unlisted.count == Self.batchSize && later < Self.batchSize
    }
}
