extension Connection {
    /// Brings the schema to what this program expects.
    ///
    /// `table` (one row, one column) counts the migrations that the schema has seen. Those that it
    /// has not are executed in one transaction, under a lock that is held by one process at a time:
    /// any number may start at once. Nothing is locked or written when there is nothing to do, so
    /// that a user without the rights to will do. Migrations are only ever appended.
    ///
    /// The lock goes with the connection, which has no limit of time for its statements any more:
    /// it is for this, and not for other use afterwards.
    ///
    /// - Parameter lock: Any number that no other use of advisory locks in this database has.
    /// - Throws: ``MigrationError`` when a newer program has been here.
    package func migrate(_ migrations: [String], table: String, lock: Int64) throws {
        if try version(table, known: migrations.count) == migrations.count { return }
        try patiently {
            // An index over millions of rows takes its time, and so do those in line.
            try execute("SET statement_timeout = 0")
            // Before the transaction: what others have committed meanwhile is sure to be known to
            // one that begins later, not to one that has waited.
            try run("SELECT pg_advisory_lock($1)", [.integer(lock)])
            try transaction {
                var done = try version(table, known: migrations.count)
                if done == nil {
                    try execute("CREATE TABLE \(table) (version bigint NOT NULL)")
                    try execute("INSERT INTO \(table) VALUES (0)")
                    done = 0
                }
                for migration in migrations.dropFirst(done ?? 0) { try execute(migration) }
                try execute("UPDATE \(table) SET version = \(migrations.count)")
            }
        }
    }

    /// nil when there is no such table.
    private func version(_ table: String, known: Int) throws -> Int? {
        let isThere = try first("SELECT to_regclass($1) IS NOT NULL", [.text(table)]) {
            $0.boolean(0)
        }
        guard isThere == true else { return nil }
        let found = try first("SELECT version FROM \(table)") { Int($0.integer(0)) } ?? 0
        if found > known { throw MigrationError(found: found, known: known) }
        return found
    }
}

/// The schema has seen more migrations than this program knows.
package struct MigrationError: Error, Equatable, Sendable, CustomStringConvertible {
    package let found: Int
    package let known: Int

    package init(found: Int, known: Int) {
        self.found = found
        self.known = known
    }

    package var description: String {
        "the database has schema version \(found), this program knows \(known)"
    }
}
