import Directory
import PostgreSQL

extension PostgreSQLStore {
    package func addAccount(_ account: Account) async throws(StoreError) {
        try await write { db in
            let added = try db.run(
                """
                INSERT INTO directory_account (name, password_hash, disabled) VALUES ($1, $2, $3)
                ON CONFLICT (name) DO NOTHING
                """,
                [
                    .text(account.name), .text(account.passwordHash.string),
                    .boolean(account.isDisabled),
                ])
            if added == 0 { throw StoreError.accountExists(account.name) }
        }
    }

    package func account(named name: String) async throws(StoreError) -> Account? {
        try await read { db in
            try db.first(
                "SELECT name, password_hash, disabled FROM directory_account WHERE name = $1",
                [.text(name)], Self.account)
        }
    }

    private static func account(_ row: borrowing Row) -> Account {
        Account(
            name: row.text(0), passwordHash: PasswordHash(row.text(1)), isDisabled: row.boolean(2))
    }

    package func setPasswordHash(
        _ hash: PasswordHash, ofAccount name: String, expected: PasswordHash?
    ) async throws(StoreError) -> Bool {
        try await write { db in
            let id = try Self.lock(account: name, in: db).id
            let changed = try db.run(
                """
                UPDATE directory_account SET password_hash = $1
                WHERE id = $2 AND password_hash = coalesce($3, password_hash)
                """, [.text(hash.string), .integer(id), Value(expected?.string)])
            return changed > 0
        }
    }

    package func setDisabled(
        _ isDisabled: Bool, account name: String, now: UnixTime
    ) async throws(StoreError) -> Lease? {
        try await write { db in
            let id = try Self.lock(account: name, in: db).id
            try db.run(
                "UPDATE directory_account SET disabled = $1 WHERE id = $2",
                [.boolean(isDisabled), .integer(id)])
            return isDisabled ? try Self.endLease(ofAccount: id, now: now, in: db) : nil
        }
    }

    package func removeAccount(
        named name: String, now: UnixTime
    ) async throws(StoreError) -> Lease? {
        try await write { db in
            let id = try Self.lock(account: name, in: db).id
            let lease = try Self.endLease(ofAccount: id, now: now, in: db)
            try ListWriter(db: db, account: id).removeAll()
            try db.run("DELETE FROM directory_account WHERE id = $1", [.integer(id)])
            return lease
        }
    }

    package func accounts(after: String?, limit: Int) async throws(StoreError) -> [Account] {
        try await read { db in
            try db.rows(
                """
                SELECT name, password_hash, disabled FROM directory_account
                WHERE name > $1 ORDER BY name LIMIT $2
                """, [.text(after ?? ""), .integer(Int64(limit))], Self.account)
        }
    }
}
