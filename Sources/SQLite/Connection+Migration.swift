extension Connection {
    /// Brings the schema to what this program expects.
    ///
    /// `user_version` counts the migrations that the file has seen; each of the others runs once,
    /// in a transaction of its own with that count. Migrations are only ever appended.
    ///
    /// - Throws: ``MigrationError`` when a newer program has written the file.
    package func migrate(_ migrations: [String]) throws {
        let done = try first("PRAGMA user_version") { Int($0.integer(0)) } ?? 0
        if done > migrations.count {
            throw MigrationError(found: done, known: migrations.count)
        }
        for (index, migration) in migrations.enumerated().dropFirst(done) {
            try transaction {
                try execute(migration)
                try execute("PRAGMA user_version = \(index + 1)")
            }
        }
    }
}

/// The file has seen more migrations than this program knows.
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
