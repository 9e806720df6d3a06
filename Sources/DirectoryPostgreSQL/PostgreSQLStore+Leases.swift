import Directory
import PostgreSQL

extension PostgreSQLStore {
    private static let columns =
        "account.name, token, opened, expires, source, rest_url, grpc, peer_id"

    private static func lease(_ row: borrowing Row) throws -> Lease {
        guard let token = SHA256Digest(bytes: row.bytes(1)) else {
            throw StoreError.unavailable(reason: "a token in the database is no SHA-256")
        }
        return Lease(
            peer: row.text(0), token: TokenDigest(sha256: token),
            opened: UnixTime(milliseconds: row.integer(2)),
            expires: UnixTime(milliseconds: row.integer(3)), source: row.text(4),
            contact: contact(row, from: 5))
    }

    /// From the columns rest_url, grpc and peer_id.
    static func contact(_ row: borrowing Row, from column: Int) -> PeerContact {
        PeerContact(
            restURL: row.isNull(column) ? nil : row.text(column),
            grpc: row.isNull(column + 1) ? nil : row.text(column + 1),
            peerID: row.isNull(column + 2) ? nil : row.text(column + 2))
    }

    // MARK: Opening and extending

    package func openLease(_ lease: Lease) async throws(StoreError) -> Lease? {
        try await write { db in
            let account = try Self.lock(account: lease.peer, in: db)
            if account.isDisabled { throw StoreError.accountDisabled(lease.peer) }
            let before = try Self.endLease(ofAccount: account.id, now: lease.opened, in: db)
            try db.run(
                """
                INSERT INTO directory_lease
                    (account_id, token, opened, expires, source, rest_url, grpc, peer_id)
                VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
                """,
                [
                    .integer(account.id), .bytes(lease.token.sha256.bytes),
                    .integer(lease.opened.milliseconds), .integer(lease.expires.milliseconds),
                    .text(lease.source), Value(lease.contact.restURL), Value(lease.contact.grpc),
                    Value(lease.contact.peerID),
                ])
            return before
        }
    }

    package func extendLease(
        _ token: TokenDigest, until expires: UnixTime, now: UnixTime
    ) async throws(StoreError) -> Lease? {
        // Twice is as good as once.
        try await read { db in
            try db.first(
                """
                WITH lazily AS MATERIALIZED (
                    -- For this statement's transaction; a commit reads it at its end.
                    SELECT set_config('synchronous_commit', 'off', true))
                UPDATE directory_lease AS lease SET expires = greatest(expires, $2)
                FROM directory_account AS account, lazily
                WHERE account.id = account_id AND token = $1 AND expires > $3
                RETURNING \(Self.columns)
                """,
                [
                    .bytes(token.sha256.bytes), .integer(expires.milliseconds),
                    .integer(now.milliseconds),
                ], Self.lease)
        }
    }

    // MARK: Ending

    /// - Returns: The lease, when it was active.
    static func endLease(
        ofAccount account: Int64, now: UnixTime, in db: Connection
    ) throws -> Lease? {
        let lease = try db.first(
            """
            DELETE FROM directory_lease AS lease USING directory_account AS account
            WHERE account_id = $1 AND account.id = account_id RETURNING \(columns)
            """, [.integer(account)], Self.lease)
        return lease.flatMap { $0.isActive(at: now) ? $0 : nil }
    }

    package func endLease(
        _ token: TokenDigest, now: UnixTime
    ) async throws(StoreError) -> Lease? {
        try await write { db in
            // One that has expired is left to ``expireLeases(now:limit:)``, which tells of it.
            try db.first(
                """
                DELETE FROM directory_lease AS lease USING directory_account AS account
                WHERE token = $1 AND expires > $2 AND account.id = account_id
                RETURNING \(Self.columns)
                """, [.bytes(token.sha256.bytes), .integer(now.milliseconds)], Self.lease)
        }
    }

    package func expireLeases(now: UnixTime, limit: Int) async throws(StoreError) -> [Lease] {
        let leases = try await write { db in
            // Those that another process is about to tell of are its own.
            try db.rows(
                """
                WITH expired AS MATERIALIZED (
                    SELECT account_id FROM directory_lease WHERE expires <= $1
                    ORDER BY expires, account_id LIMIT $2 FOR UPDATE SKIP LOCKED)
                DELETE FROM directory_lease AS lease
                USING expired, directory_account AS account
                WHERE lease.account_id = expired.account_id AND account.id = expired.account_id
                RETURNING \(Self.columns), account.id
                """, [.integer(now.milliseconds), .integer(Int64(limit))]
            ) { row in (lease: try Self.lease(row), account: row.integer(8)) }
        }
        return leases.sorted { ($0.lease.expires, $0.account) < ($1.lease.expires, $1.account) }
            .map(\.lease)
    }

    package func activeLeases(
        after: String?, limit: Int, now: UnixTime
    ) async throws(StoreError) -> [Lease] {
        try await read { db in
            try db.rows(
                """
                SELECT \(Self.columns)
                FROM directory_account AS account
                    JOIN directory_lease AS lease ON account_id = account.id
                WHERE account.name > $1 AND expires > $2 ORDER BY account.name LIMIT $3
                """,
                [.text(after ?? ""), .integer(now.milliseconds), .integer(Int64(limit))],
                Self.lease)
        }
    }
}
