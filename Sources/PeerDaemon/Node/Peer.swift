import Catalog
import Locking
import Metrics
import Overlay
import RootedFiles

/// The daemon's domain behind one door: catalog, overlay and settings.
final class Peer: Node {
    let identity: NodeIdentity
    let catalog: Catalog
    let network: PeerNetwork
    var fleet: Fleet { network.fleet }
    /// nil: none is configured.
    let directory: DirectoryAccess?
    private let live: Locked<LiveSettings>
    private let start = ContinuousClock.now

    init(
        identity: NodeIdentity, catalog: Catalog, network: PeerNetwork,
        directory: DirectoryAccess? = nil, settings: LiveSettings
    ) {
        self.directory = directory
        self.identity = identity
        self.catalog = catalog
        self.network = network
        live = Locked(settings)
    }

    var settings: LiveSettings { live.withLock { $0 } }
    var uptime: Duration { .now - start }
    var hasDirectory: Bool { directory != nil }

    func change(_ settings: LiveSettings) {
        live.withLock { $0 = settings }
    }

    // MARK: - Finding

    func search(_ request: SearchRequest) async -> AsyncStream<SearchEvent> {
        let via = request.via ?? (directory == nil ? .overlay : .both)
        Counter(label: "p2p_searches_total", dimensions: [("origin", "here")]).increment()
        guard via != .overlay else { return await searchOverlay(request) }
        let begin = ContinuousClock.now
        let timeout = request.timeout ?? settings.searchTimeout
        // It ends by itself with its timeout, at the latest.
        let findings = Task { [directory] in
            await directory?.files(.containing(request.text), timeout: timeout)
                ?? DirectoryFindings()
        }
        let coverage = SearchCoverage(
            reached: 0, known: await network.members.count + 1, failed: [], duplicates: 0,
            truncated: false, elapsed: .zero)
        return MergedSearch(
            overlay: via == .both ? await searchOverlay(request) : nil, coverage: coverage,
            begin: begin, directory: findings
        ).stream
    }

    private func searchOverlay(_ request: SearchRequest) async -> AsyncStream<SearchEvent> {
        let settings = settings
        let begin = ContinuousClock.now
        let query = Query(
            id: .random(), text: request.text, fanout: request.fanout ?? settings.maxFanout,
            ttl: request.ttl ?? settings.searchTTL,
            deadline: network.now + (request.timeout ?? settings.searchTimeout),
            origin: identity.url)
        let members = await network.members
        let events = await network.start(
            query, asker: nil, alreadyAsked: [], limit: SearchLimits.filesMax)
        return SearchAnswering(members: members, begin: begin).stream(of: events)
    }

    // MARK: - Peers

    func members() async -> [Member] { await network.members }

    func register(_ url: PeerURL) async -> RegistrationAnswer { await network.register(url) }

    func bootstrap() async -> BootstrapAnswer { await network.bootstrap() }

    // MARK: - What is shared here

    func files(after path: String?, limit: Int, matching: String) async throws -> [FoundFile] {
        try await catalog.files(after: path, limit: limit, matching: matching).map(FoundFile.init)
    }

    func file(at path: String) async throws -> FoundFile? {
        try await catalog.file(path: path).map(FoundFile.init)
    }

    func files(named name: String) async throws -> [FoundFile] {
        try await catalog.files(named: name).map(FoundFile.init)
    }

    func files(sha256: String) async throws -> [FoundFile] {
        try await catalog.files(sha256: sha256).map(FoundFile.init)
    }

    func checksummed(_ path: String) async throws -> FoundFile {
        FoundFile(try await catalog.checksum(of: RelativePath(path)))
    }

    func open(_ path: String) async throws -> OpenFile {
        do {
            return try catalog.open(RelativePath(path))
        } catch let fault as RelativePath.Fault {
            throw RootedFileError(path: path, reason: .invalidPath(fault))
        }
    }

    func totals() async -> SharedTotals {
        let totals = catalog.totals
        return SharedTotals(
            files: Int(totals.files), bytes: totals.bytes, hashed: Int(totals.hashed))
    }
}

extension FoundFile {
    init(_ file: SharedFile) {
        self.init(
            path: file.path, size: file.size,
            modified: file.modified.seconds * 1_000_000_000 + file.modified.nanoseconds,
            sha256: file.sha256)
    }

    /// Whether an open file is still the one that was listed.
    func isContent(of status: FileStatus) -> Bool {
        status.size == size
            && status.modified.seconds * 1_000_000_000 + status.modified.nanoseconds == modified
    }
}

extension QueryID {
    static func random() -> QueryID {
        QueryID(high: .random(in: .min ... .max), low: .random(in: .min ... .max))
    }
}
