import SQLite

extension SQLiteStore {
    package func addAccount(_ account: Account) async throws(StoreError) {
        try await write { db in
            let added = try db.run(
                """
                INSERT INTO account (name, password_hash, disabled) VALUES (?, ?, ?)
                ON CONFLICT DO NOTHING
                """,
                [
                    .text(account.name), .text(account.passwordHash.string),
                    .integer(account.isDisabled ? 1 : 0),
                ])
            if added == 0 { throw StoreError.accountExists(account.name) }
        }
    }

    package func account(named name: String) async throws(StoreError) -> Account? {
        try await read { db in
            try db.first(
                "SELECT name, password_hash, disabled FROM account WHERE name = ?", [.text(name)],
                Self.account)
        }
    }

    private static func account(_ row: borrowing Row) -> Account {
        Account(
            name: row.text(0), passwordHash: PasswordHash(row.text(1)),
            isDisabled: row.integer(2) != 0)
    }

    package func setPasswordHash(
        _ hash: PasswordHash, ofAccount name: String, expected: PasswordHash?
    ) async throws(StoreError) -> Bool {
        try await write { db in
            let id = try Self.id(ofAccount: name, in: db)
            let changed = try db.run(
                """
                UPDATE account SET password_hash = ?1
                WHERE id = ?2 AND (?3 IS NULL OR password_hash = ?3)
                """, [.text(hash.string), .integer(id), Value(expected?.string)])
            return changed > 0
        }
    }

    package func setDisabled(
        _ isDisabled: Bool, account name: String, now: UnixTime
    ) async throws(StoreError) -> Lease? {
        try await ending(now: now) { db in
            let id = try Self.id(ofAccount: name, in: db)
            try db.run(
                "UPDATE account SET disabled = ? WHERE id = ?",
                [.integer(isDisabled ? 1 : 0), .integer(id)])
            return isDisabled ? id : nil
        }
    }

    package func removeAccount(named name: String, now: UnixTime) async throws(StoreError) -> Lease?
    {
        try await ending(now: now) { db in
            let id = try Self.id(ofAccount: name, in: db)
            try IndexWriter(db: db, account: id).removeAll()
            try db.run("DELETE FROM account WHERE id = ?", [.integer(id)])
            return id
        }
    }

    package func accounts(after: String?, limit: Int) async throws(StoreError) -> [Account] {
        try await read { db in
            try db.rows(
                """
                SELECT name, password_hash, disabled FROM account
                WHERE ?1 IS NULL OR name > ?1 ORDER BY name LIMIT ?2
                """, [Value(after), .integer(Int64(limit))], Self.account)
        }
    }

    package func figures(now: UnixTime) async throws(StoreError) -> DirectoryFigures {
        let peers = leases.withLock { $0.activeCount(now: now) }
        return try await read { db in
            let counts = try db.first("SELECT count(*), coalesce(sum(files), 0) FROM account", []) {
                row in
                (accounts: Int(row.integer(0)), files: Int(row.integer(1)))
            }
            return DirectoryFigures(
                accounts: counts?.accounts ?? 0, peers: peers, files: counts?.files ?? 0)
        }
    }
}
