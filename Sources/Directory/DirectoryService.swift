/// The directory: who may log in, who is logged in, and who has what.
///
/// Knows neither HTTP nor threads: it may be called from any task, any number at once. What is
/// common to several processes is in the store; what is not, is here: which passwords were
/// proved lately, and how many logins have failed.
package final class DirectoryService: Sendable {
    package struct Configuration: Sendable {
        /// From one sign of life until the peer counts as away. Raising it keeps the dead in
        /// answers for longer; below two heartbeats, one that is lost drops a living peer.
        package var leaseDuration: Duration = .seconds(60)
        package var limits = DirectoryLimits()
        package var passwords = Argon2id.standard

        package init() {}
    }

    /// Lists are read one at a time; so many wait.
    private static let listsWaitingMax = 32

    let store: any DirectoryStore
    package let configuration: Configuration
    let clock: @Sendable () -> UnixTime
    let passwords: PasswordCheck
    private let throttle = LoginThrottle()
    private let lists = WorkLane(label: "directory.lists", lineMax: listsWaitingMax)

    /// - Parameter clock: The wall clock; a test's own.
    /// - Throws: ``Argon2id/Failure``.
    package init(
        store: any DirectoryStore, configuration: Configuration = Configuration(),
        clock: @escaping @Sendable () -> UnixTime
    ) throws(Argon2id.Failure) {
        self.store = store
        self.configuration = configuration
        self.clock = clock
        passwords = try PasswordCheck(algorithm: configuration.passwords)
    }

    // MARK: Sessions

    /// Logs a peer in, with its list.
    ///
    /// The list is stored before the lease is opened, so that a peer is never seen with an older
    /// one. A login that fails behind it leaves the list, for nobody to see until the next.
    ///
    /// - Parameters:
    ///   - source: The client's address, without the port.
    ///   - index: What the peer says of its list; a delta is better sent with a heartbeat.
    /// - Throws: All but `unknownToken`.
    package func logIn(
        name: String, password: String, source: String, contact: PeerContact = PeerContact(),
        index: IndexReport = .nothing
    ) async throws(DirectoryError) -> Login {
        try check(contact)
        let account = try await authenticate(name: name, password: password, source: source)
        do {
            let answer = try await report(index, ofPeer: account.name)
            let now = clock()
            let token = SessionToken()
            let lease = Lease(
                peer: account.name, token: token.digest, opened: now,
                expires: now + configuration.leaseDuration, source: source, contact: contact)
            let replaced = try await store.openLease(lease)
            return Login(token: token, expires: lease.expires, index: answer, replaced: replaced)
        } catch {
            throw Self.refusal(error)
        }
    }

    /// Keeps a peer logged in, and brings its list up to date.
    ///
    /// The lease is extended whatever becomes of the list.
    ///
    /// - Throws: `unknownToken`, `badIndex`, `busy`, `store`.
    package func heartbeat(
        token: SessionToken, index: IndexReport = .nothing
    ) async throws(DirectoryError) -> Heartbeat {
        let now = clock()
        do {
            let lease = try await store.extendLease(
                token.digest, until: now + configuration.leaseDuration, now: now)
            guard let lease else { throw DirectoryError.unknownToken }
            return Heartbeat(
                peer: lease.peer, expires: lease.expires,
                index: try await report(index, ofPeer: lease.peer))
        } catch {
            throw Self.refusal(error)
        }
    }

    /// - Throws: `unknownToken`, `store`.
    package func logOut(token: SessionToken) async throws(DirectoryError) -> PeerDeparture {
        do {
            let lease = try await store.endLease(token.digest, now: clock())
            guard let lease else { throw DirectoryError.unknownToken }
            return PeerDeparture(peer: lease.peer, reason: .logout)
        } catch {
            throw Self.refusal(error)
        }
    }

    /// Ends what has expired. Called about once a second; answers do not wait for it.
    ///
    /// - Throws: `store`.
    package func expire() async throws(DirectoryError) -> [PeerDeparture] {
        do {
            let leases = try await store.expireLeases(now: clock(), limit: 10_000)
            return leases.map { PeerDeparture(peer: $0.peer, reason: .inactivity) }
        } catch {
            throw .store(error)
        }
    }

    /// Writes what heartbeats have extended. Called every few seconds, and at the end.
    ///
    /// - Throws: `store`.
    package func flush() async throws(DirectoryError) {
        do {
            try await store.flush()
        } catch {
            throw .store(error)
        }
    }

    // MARK: Passwords

    private func authenticate(
        name: String, password: String, source: String
    ) async throws(DirectoryError) -> Account {
        // What can be no account is as wrong as any other, and cheaper to refuse.
        guard Self.isAccountName(name), let password = Password(password) else {
            throw .wrongCredentials(.unknownAccount)
        }
        let isFamiliar = passwords.isFamiliar(source, of: name)
        let delay = throttle.delay(
            account: name, source: source, isFamiliar: isFamiliar, now: clock())
        if let delay { throw .throttled(retryAfter: delay) }
        do {
            let account = try await store.account(named: name)
            let outcome = try await passwords.check(password, of: account, source: source)
            guard let account, outcome != .wrong else {
                throttle.failed(account: name, source: source, now: clock())
                throw DirectoryError.wrongCredentials(
                    account == nil ? .unknownAccount : .wrongPassword)
            }
            if account.isDisabled { throw DirectoryError.wrongCredentials(.disabled) }
            throttle.succeeded(account: name, source: source)
            if case .rightButOutdated(let hash) = outcome {
                _ = try await store.setPasswordHash(
                    hash, ofAccount: name, expected: account.passwordHash)
            }
            return account
        } catch {
            throw Self.refusal(error)
        }
    }

    static func isAccountName(_ name: String) -> Bool {
        (1...DirectoryLimits.accountNameBytesMax).contains(name.utf8.count)
            && name.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7F }
    }

    private func check(_ contact: PeerContact) throws(DirectoryError) {
        for text in [contact.restURL, contact.grpc, contact.peerID] {
            guard let text else { continue }
            if text.utf8.count > DirectoryLimits.contactBytesMax || text.utf8.contains(0) {
                throw .invalid(
                    reason: "an address has at most \(DirectoryLimits.contactBytesMax) bytes")
            }
        }
    }

    // MARK: Lists

    /// Takes what a peer says of its list.
    private func report(_ report: IndexReport, ofPeer peer: String) async throws -> IndexAnswer? {
        switch report {
        case .nothing: return nil
        case .version(let version):
            let state = try await store.indexState(ofPeer: peer)
            return state.version == version ? .current(state) : .sendWhole(state)
        case .json(let json):
            return .current(try await take(json, ofPeer: peer))
        case .whole(let list):
            return .current(try await store.replaceIndex(ofPeer: peer, with: list))
        case .delta(let delta):
            try IndexReader(limits: configuration.limits).check(delta)
            let state = try await store.applyDelta(
                delta, ofPeer: peer, filesMax: configuration.limits.filesPerPeerMax)
            if let state { return .current(state) }
            return .sendWhole(try await store.indexState(ofPeer: peer))
        }
    }

    /// Reads a list only when its bytes are others than those of the last one.
    private func take(_ json: [UInt8], ofPeer peer: String) async throws -> IndexState {
        let limits = configuration.limits
        guard json.count <= limits.listBytesMax else {
            throw IndexFault.tooLarge(bytes: json.count, limit: limits.listBytesMax)
        }
        let state = try await store.indexState(ofPeer: peer)
        let list = try await lists.run { () throws -> IndexList? in
            if state.received == SHA256Digest(of: json) { return nil }
            return try IndexReader(limits: limits).list(json)
        }
        guard let list else { return state }
        return try await store.replaceIndex(ofPeer: peer, with: list)
    }

    static func refusal(_ error: any Error) -> DirectoryError {
        switch error {
        case let error as DirectoryError: error
        case StoreError.accountDisabled: .wrongCredentials(.disabled)
        case StoreError.noSuchAccount: .wrongCredentials(.unknownAccount)
        case StoreError.tooManyFiles(let limit): .badIndex(.tooManyFiles(limit: limit))
        case let error as StoreError: .store(error)
        case let fault as IndexFault: .badIndex(fault)
        case is WorkLane.Full: .busy
        default: .store(.unavailable(reason: "\(error)"))
        }
    }
}

/// What a peer says of its list when it logs in or gives a sign of life.
package enum IndexReport: Equatable, Sendable {
    /// Its list is as it was, or it has none.
    case nothing
    /// The whole list as JSON, unread: equal bytes as last time cost one SHA-256.
    case json([UInt8])
    /// The whole list. Was read by ``IndexReader``, or is the caller's own.
    case whole(IndexList)
    /// Which list it has, without the list.
    case version(IndexVersion)
    case delta(IndexDelta)
}

/// What a directory holds of the list after a report.
package enum IndexAnswer: Equatable, Sendable {
    /// What the peer reported.
    case current(IndexState)
    /// Something else: the peer has to send its list whole.
    case sendWhole(IndexState)
}

package struct Login: Equatable, Sendable {
    package let token: SessionToken
    package let expires: UnixTime
    /// nil when nothing was reported.
    package let index: IndexAnswer?
    /// The lease of this account that was active until now.
    package let replaced: Lease?
}

package struct Heartbeat: Equatable, Sendable {
    package let peer: String
    package let expires: UnixTime
    /// nil when nothing was reported.
    package let index: IndexAnswer?
}
