/// What a directory keeps: accounts, leases, and who has what.
///
/// Every call is one transaction: it happened whole when it returns, and not at all when it
/// throws. What was acknowledged outlives a crash, except for ``extendLease(_:until:now:)``,
/// which a store may write later. Several processes may share one store; what one has done, the
/// next call of any other sees.
///
/// Times are the caller's, so that tests need not wait. A lease is active while `now < expires`.
/// A peer without an active lease is in no answer, from that moment on, whether or not
/// ``expireLeases(now:limit:)`` has been called.
///
/// Names, lists and deltas were checked against ``DirectoryLimits`` before they come here.
package protocol DirectoryStore: Sendable {
    // MARK: Accounts

    /// - Throws: `accountExists`.
    func addAccount(_ account: Account) async throws(StoreError)

    /// nil when there is none.
    func account(named name: String) async throws(StoreError) -> Account?

    /// Replaces the password's hash.
    ///
    /// - Parameter expected: Only while it is still this one; nil whatever it is. A rehash at
    ///   login must not undo a password that was changed meanwhile.
    /// - Returns: Whether it was replaced.
    /// - Throws: `noSuchAccount`.
    func setPasswordHash(
        _ hash: PasswordHash, ofAccount name: String, expected: PasswordHash?
    ) async throws(StoreError) -> Bool

    /// Disables or enables. Disabling ends the lease in the same transaction; the index stays.
    ///
    /// - Returns: The lease that ended, when it was still active.
    /// - Throws: `noSuchAccount`.
    func setDisabled(
        _ isDisabled: Bool, account name: String, now: UnixTime
    ) async throws(StoreError) -> Lease?

    /// Removes the account with its lease and its index.
    ///
    /// - Returns: The lease that ended, when it was still active.
    /// - Throws: `noSuchAccount`.
    func removeAccount(named name: String, now: UnixTime) async throws(StoreError) -> Lease?

    /// In the order of the names' bytes.
    ///
    /// - Parameter after: Only names behind this one; nil from the start.
    /// - Returns: At most `limit`; fewer only at the end.
    func accounts(after: String?, limit: Int) async throws(StoreError) -> [Account]

    // MARK: Leases

    /// Opens the lease of an account, in the place of the one that it has.
    ///
    /// The token is unique: two that are equal are a fault of the generator.
    ///
    /// - Returns: The lease that it replaces, when that is active at `lease.opened`.
    /// - Throws: `noSuchAccount`, `accountDisabled`.
    func openLease(_ lease: Lease) async throws(StoreError) -> Lease?

    /// Moves the expiry of the active lease of a token; never back.
    ///
    /// May be written later than it is acknowledged, by at most the interval that the store
    /// documents: a crash then shortens leases by that much, and ends none that was just opened.
    ///
    /// - Returns: The lease as it is now; nil when the token has none, or an expired one.
    func extendLease(
        _ token: TokenDigest, until expires: UnixTime, now: UnixTime
    ) async throws(StoreError) -> Lease?

    /// Ends the lease of a token; the index stays.
    ///
    /// - Returns: The lease that ended; nil when the token had no active one.
    func endLease(_ token: TokenDigest, now: UnixTime) async throws(StoreError) -> Lease?

    /// Removes leases that have expired, the oldest first.
    ///
    /// - Returns: At most `limit` of them. Each lease is told to one caller, of all processes.
    func expireLeases(now: UnixTime, limit: Int) async throws(StoreError) -> [Lease]

    /// The active leases, in the order of the peers' names, by bytes.
    ///
    /// - Parameter after: Only peers behind this one; nil from the start.
    /// - Returns: At most `limit`; fewer only at the end.
    func activeLeases(
        after: String?, limit: Int, now: UnixTime
    ) async throws(StoreError) -> [Lease]

    // MARK: Index

    /// What is held of a peer's list; of one that never sent any: no files.
    ///
    /// - Throws: `noSuchAccount`.
    func indexState(ofPeer peer: String) async throws(StoreError) -> IndexState

    /// Makes `list` the peer's list. Only rows that differ are touched: none, when the version
    /// is the one that is held.
    ///
    /// - Returns: What there is now.
    /// - Throws: `noSuchAccount`.
    func replaceIndex(
        ofPeer peer: String, with list: IndexList
    ) async throws(StoreError) -> IndexState

    /// Applies `delta` if the version that is held is its base, and comes to its result.
    ///
    /// - Parameter filesMax: Most files of a peer.
    /// - Returns: What there is now; nil when the base or the result is another, and nothing was
    ///   changed: the peer has to send its list whole.
    /// - Throws: `noSuchAccount`, `tooManyFiles`.
    func applyDelta(
        _ delta: IndexDelta, ofPeer peer: String, filesMax: Int
    ) async throws(StoreError) -> IndexState?

    // MARK: Who has what

    /// The files of active peers that `query` means.
    ///
    /// The order is the store's own, and fixed. A request works for a bounded time: see
    /// ``Page/elements``.
    ///
    /// - Parameters:
    ///   - after: `next` of the page before, of the same query; nil for the first.
    ///   - limit: 1 or more.
    /// - Throws: `badCursor`.
    func holdings(
        _ query: FileQuery, after: PageCursor?, limit: Int, now: UnixTime
    ) async throws(StoreError) -> Page<Holding>

    // MARK: Life

    /// How much there is. May cost a look at every account: for status and metrics.
    func figures(now: UnixTime) async throws(StoreError) -> DirectoryFigures

    /// Writes what ``extendLease(_:until:now:)`` has put off. Called at intervals, and at the end.
    func flush() async throws(StoreError)
}

/// How much a directory holds.
package struct DirectoryFigures: Equatable, Sendable {
    package var accounts: Int
    /// Leases that are active.
    package var peers: Int
    /// Of all accounts, logged in or not.
    package var files: Int

    package init(accounts: Int, peers: Int, files: Int) {
        self.accounts = accounts
        self.peers = peers
        self.files = files
    }
}

package enum StoreError: Error, Equatable, Sendable {
    case accountExists(String)
    case noSuchAccount(String)
    case accountDisabled(String)
    case tooManyFiles(limit: Int)
    /// The client's fault: it did not get this cursor from here, for this query.
    case badCursor
    /// The environment's fault: nothing was changed, and a later attempt may succeed.
    case unavailable(reason: String)
}

extension StoreError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .accountExists(let name): "there is an account \(name) already"
        case .noSuchAccount(let name): "there is no account \(name)"
        case .accountDisabled(let name): "the account \(name) is disabled"
        case .tooManyFiles(let limit): "a peer may list at most \(limit) files"
        case .badCursor: "the cursor is of no page of this query"
        case .unavailable(let reason): "the directory's store does not answer: \(reason)"
        }
    }
}
