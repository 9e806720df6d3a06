import Directory
import Locking
import LogMessages
import Logging
import Metrics

/// The directory that this daemon is: the domain, and what log and metrics tell of it.
///
/// A login that only renews the one before (the original's peers come every 30 s) is no event;
/// one after an absence is.
package final class DirectoryRole: Sendable {
    /// How late a departure may be noticed; answers leave it out before that.
    private static let tick = Duration.seconds(1)
    /// What a crash may take from a lease, in ticks.
    private static let flushTicks = 5
    /// Leases ended in one transaction.
    private static let departuresMax = 10_000
    /// Names remembered to tell a return from a first login; beyond it a return is logged as that.
    private static let absentMax = 10_000

    let service: DirectoryService
    /// As configured, without a password.
    let storeName: String
    private let logger: Logger
    private let absent = Locked<Set<String>>([])
    private let isStoreSilent = Locked(false)
    private let logins: [LoginResult: Counter]
    private let heartbeats = Counter(label: DirectoryMetrics.heartbeats)

    package init(service: DirectoryService, storeName: String, logger: Logger) {
        self.service = service
        self.storeName = storeName
        self.logger = logger
        logins = Dictionary(
            uniqueKeysWithValues: LoginResult.allCases.map { result in
                let dimensions = [("result", result.rawValue)]
                return (result, Counter(label: DirectoryMetrics.logins, dimensions: dimensions))
            })
    }

    /// - Throws: ``StartupFailure``.
    convenience init(
        _ configuration: PeerConfiguration, logger: Logger
    ) async throws(StartupFailure) {
        let store = try await DirectoryStores.open(configuration)
        var settings = DirectoryService.Configuration()
        settings.leaseDuration = configuration.directory.lease
        do {
            let service = try DirectoryService(store: store, configuration: settings) {
                UnixTime(milliseconds: Int64(WallClock.milliseconds()))
            }
            self.init(
                service: service, storeName: "\(configuration.directory.store)", logger: logger)
        } catch {
            throw StartupFailure(
                code: .osError, message: "directory: passwords cannot be checked: \(error)")
        }
    }

    // MARK: - Sessions

    func logIn(
        name: String, password: String, source: String, contact: PeerContact, index: IndexReport
    ) async throws(DirectoryError) -> Login {
        do {
            let login = try await service.logIn(
                name: name, password: password, source: source, contact: contact, index: index)
            logins[.ok]?.increment()
            noteLogin(login, name: name, source: source)
            return login
        } catch {
            logins[LoginResult(error)]?.increment()
            noteRefusal(error, name: name, source: source)
            throw error
        }
    }

    func heartbeat(
        token: SessionToken, index: IndexReport
    ) async throws(DirectoryError) -> Heartbeat {
        heartbeats.increment()
        return try await service.heartbeat(token: token, index: index)
    }

    func logOut(token: SessionToken) async throws(DirectoryError) {
        noteDeparture(try await service.logOut(token: token))
    }

    // MARK: - Figures

    /// nil while the store does not answer; the log has why.
    func figures() async -> DirectoryFigures? {
        do {
            return try await service.figures()
        } catch {
            return nil
        }
    }

    func document() async -> DirectoryDocument {
        let figures = await figures()
        return DirectoryDocument(
            store: storeName, peers: figures?.peers, accounts: figures?.accounts,
            files: figures?.files)
    }

    // MARK: - Log

    private func noteLogin(_ login: Login, name: String, source: String) {
        let wasAbsent = absent.withLock { $0.remove(name) != nil }
        let metadata: Logger.Metadata = ["peer": "\(name)", "source": "\(source)"]
        if let replaced = login.replaced, replaced.source == source {
            logger.debug("login renewed", metadata: metadata)
        } else if let replaced = login.replaced {
            logger.report(
                .directoryPeerIn, text: "Peer '\(name)' has logged in from another address",
                metadata.merging(["before": "\(replaced.source)"]) { one, _ in one })
        } else {
            logger.report(
                .directoryPeerIn,
                text: "Peer '\(name)' \(wasAbsent ? "has returned" : "has logged in")", metadata)
        }
    }

    private func noteRefusal(_ error: DirectoryError, name: String, source: String) {
        // A name that can be none may be anything, a password too.
        let isName = name.utf8.count <= DirectoryLimits.accountNameBytesMax
        let metadata: Logger.Metadata = [
            "account": "\(isName ? name : "(too long)")", "source": "\(source)",
        ]
        if case .wrongCredentials(let refusal) = error {
            logger.report(
                .directoryLoginRefused,
                metadata.merging(["reason": "\(refusal.rawValue)"]) { one, _ in one })
        } else {
            logger.debug(
                "login refused",
                metadata: metadata.merging(["reason": "\(error)"]) { one, _ in one
                })
        }
    }

    func noteDeparture(_ departure: PeerDeparture) {
        absent.withLock { absent in
            if absent.count < Self.absentMax { absent.insert(departure.peer) }
        }
        logger.report(
            .directoryPeerOut, text: "\(departure)",
            ["peer": "\(departure.peer)", "reason": "\(departure.reason)"])
    }

    // MARK: - Life

    /// Ends leases and writes what heartbeats have extended, until it is cancelled.
    func run() async {
        var ticks = 0
        while await Self.sleep() {
            ticks += 1
            await endLeases()
            if ticks % Self.flushTicks == 0 { await flush() }
        }
        await flush()
    }

    private func endLeases() async {
        do {
            var departures: [PeerDeparture]
            repeat {
                departures = try await service.expire()
                departures.forEach(noteDeparture)
            } while departures.count == Self.departuresMax
            noteStore(failure: nil)
        } catch {
            noteStore(failure: error)
        }
    }

    private func flush() async {
        do {
            try await service.flush()
        } catch {
            noteStore(failure: error)
        }
    }

    /// Once when it falls silent, once when it answers again: every request would say the same.
    private func noteStore(failure: DirectoryError?) {
        let wasSilent = isStoreSilent.withLock { isSilent in
            defer { isSilent = failure != nil }
            return isSilent
        }
        if let failure, !wasSilent {
            logger.report(
                .directoryStoreSilent, ["store": "\(storeName)", "error": "\(failure)"])
        } else if failure == nil, wasSilent {
            logger.report(.directoryStoreBack, ["store": "\(storeName)"])
        }
    }

    private static func sleep() async -> Bool {
        do {
            try await Task.sleep(for: tick)
            return true
        } catch {
            return false
        }
    }
}

/// What became of a login, as metrics are labelled with it.
enum LoginResult: String, CaseIterable {
    case ok, refused, throttled, busy, unavailable
    case badIndex = "bad_index"
    case invalid

    init(_ error: DirectoryError) {
        self =
            switch error {
            case .wrongCredentials, .unknownToken: .refused
            case .throttled: .throttled
            case .busy: .busy
            case .badIndex: .badIndex
            case .invalid: .invalid
            case .store: .unavailable
            }
    }
}
