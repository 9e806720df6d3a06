import AsyncHTTPClient
import Catalog
import Logging
import Overlay

/// The directories that this peer is configured with: it may be logged in to one, and asks one
/// for files.
struct DirectoryAccess: Sendable {
    /// Of one directory that a search asks.
    private static let timeout = Duration.seconds(3)
    /// Of a directory that did not answer the last time (guess): searches do not wait long.
    private static let awayTimeout = Duration.seconds(1)

    let urls: [String]
    let links: DirectoryLinks
    /// nil: it does not log in.
    let client: DirectoryClient?

    /// - Returns: nil where no directory is configured.
    init?(
        _ configuration: PeerConfiguration, identity: NodeIdentity, catalog: Catalog,
        http: HTTPClient, logger: Logger
    ) {
        let directory = configuration.directory
        // With `/login` behind it, as the original's `api_url` has it, it is the same directory.
        let urls = directory.urls.map { $0.hasSuffix("/login") ? String($0.dropLast(6)) : $0 }
        if urls.isEmpty { return nil }
        self.urls = urls
        let links = DirectoryLinks(http: http, identity: identity)
        self.links = links
        let session = DirectorySession(
            DirectorySession.Configuration(
                urls: urls, heartbeat: directory.heartbeatInterval,
                seed: .random(in: .min ... .max)))
        client =
            directory.logsIn
            ? directory.password.map { password in
                DirectoryClient(
                    account: DirectoryLinks.Account(
                        username: configuration.directoryUsername, password: password),
                    session: session, links: links, catalog: catalog, logger: logger)
            } : nil
    }

    /// Asks the directory that this peer is logged in to; where it is in none, each until one
    /// answers.
    ///
    /// - Parameter timeout: For all of them together.
    func files(_ query: DirectoryQuery, timeout: Duration) async -> DirectoryFindings {
        let end = ContinuousClock.now + timeout
        switch client?.status.session {
        case .loggedIn(let url, let dialect, _):
            return await ask([(url, [dialect])], query, until: end, each: Self.timeout)
        case .away: return await ask(anyway, query, until: end, each: Self.awayTimeout)
        case .connecting, nil: return await ask(anyway, query, until: end, each: Self.timeout)
        }
    }

    private var anyway: [(url: String, dialects: [DirectorySession.Dialect])] {
        urls.map { ($0, [.current, .original]) }
    }

    private func ask(
        _ directories: [(url: String, dialects: [DirectorySession.Dialect])],
        _ query: DirectoryQuery, until end: ContinuousClock.Instant, each timeout: Duration
    ) async -> DirectoryFindings {
        var findings = DirectoryFindings()
        for (url, dialects) in directories {
            var reason = "is no directory"
            for dialect in dialects {
                do {
                    let left = max(end - .now, .milliseconds(1))
                    let files = try await links.files(
                        at: url, dialect, query, timeout: min(left, timeout))
                    findings.take(files, of: url)
                    return findings
                } catch let failure as RESTLinks.Failure {
                    reason = failure.description
                    // It is there, and perhaps speaks the other dialect.
                    if failure.isFinal { continue }
                } catch {
                    reason = "\(error)"
                }
                break
            }
            findings.fail(url, "directory: \(reason)")
        }
        return findings
    }
}

/// What came of asking directories.
struct DirectoryFindings: Sendable {
    private(set) var answers: [PeerAnswer] = []
    /// Directories that did not answer, and what one that did cannot say.
    private(set) var failures: [PeerFailure] = []
    private(set) var truncated = false
    /// Who answered.
    private(set) var directory: String?

    /// Peers that a failure names.
    private static let namedMax = 10

    mutating func take(_ files: DirectoryFiles, of url: String) {
        (answers, truncated, directory) = (files.answers, files.truncated, url)
        if files.unreachable.isEmpty { return }
        let names = files.unreachable.sorted().prefix(Self.namedMax).joined(separator: ", ")
        fail(url, "directory: does not tell where to reach \(names)")
    }

    mutating func fail(_ url: String, _ reason: String) {
        // A directory behind a path is named by its host.
        let parts = url.split(separator: "/", maxSplits: 3, omittingEmptySubsequences: false)
        guard let origin = PeerURL(wire: parts.prefix(3).joined(separator: "/")) else { return }
        failures.append(PeerFailure(url: origin, reason: reason))
    }
}
