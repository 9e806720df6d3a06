/// The leases that an ``SQLiteStore`` holds in memory. A value: the store locks and writes.
struct LeaseTable {
    struct Row: Sendable {
        let account: Int64
        var lease: Lease
    }

    private(set) var rows: [Int64: Row] = [:]
    private var accounts: [ExactString: Int64] = [:]
    private var tokens: [TokenDigest: Int64] = [:]
    /// Those whose expiry is later than the file knows.
    private(set) var extended: Set<Int64> = []

    subscript(account: Int64) -> Row? { rows[account] }

    func row(ofPeer peer: String) -> Row? {
        accounts[ExactString(peer)].flatMap { rows[$0] }
    }

    func row(of token: TokenDigest) -> Row? {
        tokens[token].flatMap { rows[$0] }
    }

    /// - Returns: What it replaces.
    @discardableResult
    mutating func put(_ row: Row) -> Row? {
        let before = remove(row.account)
        rows[row.account] = row
        accounts[ExactString(row.lease.peer)] = row.account
        tokens[row.lease.token] = row.account
        return before
    }

    @discardableResult
    mutating func remove(_ account: Int64) -> Row? {
        guard let row = rows.removeValue(forKey: account) else { return nil }
        accounts[ExactString(row.lease.peer)] = nil
        tokens[row.lease.token] = nil
        extended.remove(account)
        return row
    }

    /// Brings `row` back where a transaction that took it away has failed, unless there is a
    /// newer one.
    mutating func restore(_ row: Row?, inPlaceOf account: Int64, token: TokenDigest?) {
        guard rows[account]?.lease.token == token else { return }
        remove(account)
        if let row { put(row) }
    }

    mutating func extend(_ token: TokenDigest, until expires: UnixTime, now: UnixTime) -> Lease? {
        guard let account = tokens[token], var row = rows[account], row.lease.isActive(at: now)
        else { return nil }
        if expires > row.lease.expires {
            row.lease.expires = expires
            rows[account] = row
            extended.insert(account)
        }
        return row.lease
    }

    mutating func takeExtended() -> [Row] {
        defer { extended = [] }
        return extended.compactMap { rows[$0] }
    }

    mutating func markExtended(_ written: [Row]) {
        for row in written where rows[row.account]?.lease.token == row.lease.token {
            extended.insert(row.account)
        }
    }

    /// The oldest first.
    func expired(now: UnixTime, limit: Int) -> [Row] {
        rows.values.filter { !$0.lease.isActive(at: now) }
            .sorted { ($0.lease.expires, $0.account) < ($1.lease.expires, $1.account) }
            .prefix(limit).map(\.self)
    }

    func activeCount(now: UnixTime) -> Int {
        rows.values.count { $0.lease.isActive(at: now) }
    }

    func active(after: String?, limit: Int, now: UnixTime) -> [Lease] {
        let after = after.map(ExactString.init)
        return accounts.filter { name, account in
            after.map { $0 < name } ?? true && rows[account]?.lease.isActive(at: now) == true
        }
        .sorted { $0.key < $1.key }
        .prefix(limit).compactMap { rows[$0.value]?.lease }
    }
}
