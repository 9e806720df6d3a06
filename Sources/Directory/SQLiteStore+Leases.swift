import Locking
import SQLite

/// A lease to be opened, and what became of it once the transaction is over.
///
/// Those that wait while one transaction syncs go into the next one together.
final class LeaseOpening: Sendable {
    private enum State {
        case pending
        case awaited(CheckedContinuation<Lease?, any Error>)
        case finished(Result<Lease?, any Error>)
    }

    let lease: Lease
    private let state = Locked(State.pending)

    init(_ lease: Lease) {
        self.lease = lease
    }

    func finish(_ result: Result<Lease?, any Error>) {
        let waiting = state.withLock { state -> CheckedContinuation<Lease?, any Error>? in
            guard case .awaited(let continuation) = state else {
                state = .finished(result)
                return nil
            }
            state = .finished(result)
            return continuation
        }
        waiting?.resume(with: result)
    }

    /// Waits for ``finish(_:)``. Once.
    var outcome: Lease? {
        get async throws {
            try await withCheckedThrowingContinuation { continuation in
                let result = state.withLock { state -> Result<Lease?, any Error>? in
                    if case .finished(let result) = state { return result }
                    state = .awaited(continuation)
                    return nil
                }
                if let result { continuation.resume(with: result) }
            }
        }
    }
}

extension SQLiteStore {
    // MARK: Opening

    package func openLease(_ lease: Lease) async throws(StoreError) -> Lease? {
        let opening = LeaseOpening(lease)
        openings.withLock { $0.append(opening) }
        await openPending()
        do {
            return try await opening.outcome
        } catch {
            throw Self.storeError(error)
        }
    }

    /// Opens all that wait, in one transaction; none, where one before took them along.
    private func openPending() async {
        let taken = Collected<(opening: LeaseOpening, change: Result<LeaseChange, any Error>)>()
        do {
            try await database.write { db in
                let pending = self.openings.withLock { openings in
                    defer { openings = [] }
                    return openings
                }
                for opening in pending {
                    let change = Result { try self.open(opening.lease, in: db) }
                    taken.append((opening, change))
                }
            }
            for (opening, change) in taken.elements {
                opening.finish(
                    change.map { change in
                        change.before.map(\.lease).flatMap {
                            $0.isActive(at: opening.lease.opened) ? $0 : nil
                        }
                    })
            }
        } catch {
            for (opening, change) in taken.elements.reversed() {
                undo(change)
                opening.finish(.failure(error))
            }
        }
    }

    /// A change of the table in memory, which goes with a transaction.
    private struct LeaseChange: Sendable {
        let account: Int64
        let before: LeaseTable.Row?
        /// Of what is there now.
        let token: TokenDigest?
    }

    private func undo(_ change: Result<LeaseChange, any Error>) {
        guard case .success(let change) = change else { return }
        leases.withLock {
            $0.restore(change.before, inPlaceOf: change.account, token: change.token)
        }
    }

    /// On the writer's thread, so that memory changes in the order of the file.
    private func open(_ lease: Lease, in db: Connection) throws -> LeaseChange {
        let account = try db.first(
            "SELECT id, disabled FROM account WHERE name = ?", [.text(lease.peer)]
        ) { (id: $0.integer(0), isDisabled: $0.integer(1) != 0) }
        guard let account else { throw StoreError.noSuchAccount(lease.peer) }
        if account.isDisabled { throw StoreError.accountDisabled(lease.peer) }
        try db.run(
            """
            INSERT OR REPLACE INTO lease
                (account_id, token, opened, expires, source, rest_url, grpc, peer_id)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?)
            """,
            [
                .integer(account.id), .blob(lease.token.sha256.bytes),
                .integer(lease.opened.milliseconds), .integer(lease.expires.milliseconds),
                .text(lease.source), Value(lease.contact.restURL), Value(lease.contact.grpc),
                Value(lease.contact.peerID),
            ])
        let before = leases.withLock {
            $0.put(LeaseTable.Row(account: account.id, lease: lease))
        }
        return LeaseChange(account: account.id, before: before, token: lease.token)
    }

    // MARK: Extending

    package func extendLease(
        _ token: TokenDigest, until expires: UnixTime, now: UnixTime
    ) async throws(StoreError) -> Lease? {
        leases.withLock { $0.extend(token, until: expires, now: now) }
    }

    package func flush() async throws(StoreError) {
        let rows = leases.withLock { $0.takeExtended() }
        if rows.isEmpty { return }
        do {
            try await write { db in
                for row in rows {
                    try db.run(
                        "UPDATE lease SET expires = ? WHERE account_id = ? AND token = ?",
                        [
                            .integer(row.lease.expires.milliseconds), .integer(row.account),
                            .blob(row.lease.token.sha256.bytes),
                        ])
                }
            }
        } catch {
            leases.withLock { $0.markExtended(rows) }
            throw error
        }
    }

    // MARK: Ending

    /// Ends the lease of the account that `body` answers (nil: none) in the transaction of `body`.
    ///
    /// - Returns: The lease, when it was active.
    func ending(
        now: UnixTime, _ body: @Sendable (Connection) throws -> Int64?
    ) async throws(StoreError) -> Lease? {
        let ended = try await ending { db in try body(db).map { [$0] } ?? [] }
        return ended.first.flatMap { $0.isActive(at: now) ? $0 : nil }
    }

    private func ending(
        _ body: @Sendable (Connection) throws -> [Int64]
    ) async throws(StoreError) -> [Lease] {
        let removed = Collected<LeaseTable.Row>()
        do {
            try await write { db in
                for account in try body(db) {
                    try db.run("DELETE FROM lease WHERE account_id = ?", [.integer(account)])
                    let row = self.leases.withLock { $0.remove(account) }
                    if let row { removed.append(row) }
                }
            }
        } catch {
            for row in removed.elements {
                leases.withLock { $0.restore(row, inPlaceOf: row.account, token: nil) }
            }
            throw error
        }
        return removed.elements.map(\.lease)
    }

    package func endLease(
        _ token: TokenDigest, now: UnixTime
    ) async throws(StoreError) -> Lease? {
        // What a stranger sends costs no transaction.
        guard leases.withLock({ $0.row(of: token) }) != nil else { return nil }
        return try await ending(now: now) { _ in
            self.leases.withLock { $0.row(of: token)?.account }
        }
    }

    package func expireLeases(now: UnixTime, limit: Int) async throws(StoreError) -> [Lease] {
        guard leases.withLock({ !$0.expired(now: now, limit: 1).isEmpty }) else { return [] }
        return try await ending { _ in
            self.leases.withLock { $0.expired(now: now, limit: limit).map(\.account) }
        }
    }

    package func activeLeases(
        after: String?, limit: Int, now: UnixTime
    ) async throws(StoreError) -> [Lease] {
        leases.withLock { $0.active(after: after, limit: limit, now: now) }
    }
}
