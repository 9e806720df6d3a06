import Catalog
import Directory
import Locking
import LogMessages
import Logging
import Overlay

/// Keeps this peer logged in to a directory, with the list of what it shares.
///
/// ``DirectorySession`` decides; this performs, one request at a time.
actor DirectoryClient {
    /// What `p2padm status`, searches and metrics are told.
    struct Status: Sendable {
        var session = DirectorySession.Status.connecting
        /// Files that the directory has been told of.
        var files = 0
    }

    nonisolated let username: String
    private let account: DirectoryLinks.Account
    private let links: DirectoryLinks
    private let catalog: Catalog
    private let logger: Logger
    private var session: DirectorySession
    private var token = ""
    /// What the directory has; nil before it has the list.
    private var held: SharedIndex?
    private var isListCut = false
    private nonisolated let published = Locked(Status())
    private nonisolated let start = ContinuousClock.now

    init(
        account: DirectoryLinks.Account, session: DirectorySession, links: DirectoryLinks,
        catalog: Catalog, logger: Logger
    ) {
        username = account.username
        self.account = account
        self.session = session
        self.links = links
        self.catalog = catalog
        self.logger = logger
    }

    nonisolated var status: Status { published.withLock { $0 } }
    nonisolated var now: Instant { Instant(sinceStart: .now - start) }

    /// Until it is cancelled; then it logs out.
    func run() async {
        await stay()
        await leave()
    }

    private func stay() async {
        var step = session.handle(.started, now: now)
        while !Task.isCancelled {
            if let report = step.report { log(report) }
            publish()
            let event: DirectorySession.Event
            switch step.action {
            case .wait(let duration):
                do {
                    try await Task.sleep(for: duration)
                } catch {
                    return
                }
                event = .waited(isListChanged: held?.catalogVersion != catalog.totals.version)
            case .send(let request):
                event = .answered(await perform(request))
                if Task.isCancelled { return }
            }
            step = session.handle(event, now: now)
        }
    }

    /// The original's directories have no call for it: there the lease runs out.
    private func leave() async {
        guard case .loggedIn(let url, .current, _) = session.status else { return }
        // A task of its own, since this one is cancelled, and with it would be the request.
        let isOut = await Task { [links, token] in
            await links.logOut(at: url, token: token)
        }.value
        logger.info(
            isOut ? "logged out of the directory" : "the directory is not told of the end",
            metadata: ["directory": "\(url)", "account": "\(username)"])
    }

    private func publish() {
        let status = Status(session: session.status, files: held?.files ?? 0)
        published.withLock { $0 = status }
    }

    // MARK: - Requests

    private func perform(_ request: DirectorySession.Request) async -> DirectorySession.Outcome {
        do {
            switch request {
            case .logIn(let url, .current): return try await logIn(at: url)
            case .logIn(let url, .original): return try await originalLogIn(at: url)
            case .heartbeat(let url): return try await heartbeat(at: url)
            case .list(let url): return try await putList(at: url)
            }
        } catch {
            return .failed("is not told: the catalog cannot be read: \(error)", retryAfter: nil)
        }
    }

    private func logIn(at url: String) async throws -> DirectorySession.Outcome {
        let index = try await currentIndex()
        held = nil
        let (outcome, token) = await links.logIn(at: url, as: account, index: index.version)
        self.token = token ?? ""
        if case .accepted(_, isCurrent: true) = outcome { keep(index) }
        return outcome
    }

    private func heartbeat(at url: String) async throws -> DirectorySession.Outcome {
        guard let held else { return .listWanted }
        if held.catalogVersion == catalog.totals.version {
            return await links.heartbeat(
                at: url, token: token, index: held.version, delta: nil)
        }
        let reading = try await IndexReading.read(
            catalog, .delta(held), baseURL: links.identity.url.description)
        if reading.body.buffer.readableBytes > DirectoryLinks.deltaBytesMax {
            return try await putList(at: url)
        }
        let outcome = await links.heartbeat(
            at: url, token: token, index: reading.index.version,
            delta: reading.changes == 0 ? nil : reading.body)
        if case .accepted(_, isCurrent: true) = outcome { keep(reading.index) }
        return outcome
    }

    private func putList(at url: String) async throws -> DirectorySession.Outcome {
        let reading = try await IndexReading.read(
            catalog, .whole, baseURL: links.identity.url.description)
        let outcome = await links.putList(reading.body, at: url, token: token)
        if case .accepted(_, isCurrent: true) = outcome { keep(reading.index) }
        return outcome
    }

    private func originalLogIn(at url: String) async throws -> DirectorySession.Outcome {
        let reading = try await IndexReading.read(
            catalog, .original, baseURL: links.identity.url.description)
        let outcome = await links.originalLogIn(at: url, as: account, list: reading.body)
        if case .accepted = outcome { keep(reading.index) }
        return outcome
    }

    /// Of the catalog as it is, without a reading where it has not changed.
    private func currentIndex() async throws -> SharedIndex {
        if let held, held.catalogVersion == catalog.totals.version { return held }
        return try await IndexReading.read(
            catalog, .version, baseURL: links.identity.url.description
        ).index
    }

    private func keep(_ index: SharedIndex) {
        held = index
        if index.leftOut > 0, !isListCut {
            logger.report(
                .directoryListCut, ["files": "\(index.files)", "left_out": "\(index.leftOut)"])
        }
        isListCut = index.leftOut > 0
    }

    // MARK: - Log

    private func log(_ report: DirectorySession.Report) {
        switch report {
        case .loggedIn(let url):
            logger.report(.directoryEntered, ["directory": "\(url)", "account": "\(username)"])
        case .away(let reason, let isRefusal):
            logger.report(
                isRefusal ? .directoryRefuses : .directoryLost,
                ["reason": "\(reason)", "account": "\(username)"])
        }
    }
}
