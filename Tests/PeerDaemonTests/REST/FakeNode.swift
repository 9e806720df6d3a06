import RootedFiles
import Synchronization

@testable import Overlay
@testable import PeerDaemon

/// A node whose catalog is a real directory, read anew for every question, and whose overlay says
/// what a test puts in.
final class FakeNode: Node, Sendable {
    struct State {
        var settings = LiveSettings(
            searchTTL: 3, maxFanout: 3, searchTimeout: .seconds(5), requestsPerMinute: 0,
            downloadsPerMinute: 0)
        var members: [Member] = []
        var refusal: String?
        var hashes: [String: String] = [:]
        /// Listed instead of what the directory holds.
        var listed: [FoundFile]?
        var listingFails = false
        var events: [SearchEvent] = []
        var searched: [SearchRequest] = []
        var registered: [PeerURL] = []
    }

    struct CatalogBroken: Error {}

    let state = Mutex(State())
    let directory: SharedDirectory
    let identity: NodeIdentity
    let hasDirectory = false
    private let root: RootedDirectory

    init() throws {
        directory = try SharedDirectory()
        root = try RootedDirectory(path: directory.path)
        identity = NodeIdentity(
            name: "peer1", id: String(repeating: "ab", count: 32), version: "1.0.0",
            url: try PeerURL("http://192.0.2.1:8001"), ip: "192.0.2.1",
            ports: .init(rest: 8001, grpc: 50051, metrics: 9001),
            sharedDirectory: directory.path, stateDirectory: "/nowhere",
            configurationFile: "/nowhere/peer.json")
    }

    var settings: LiveSettings { state.withLock { $0.settings } }
    var uptime: Duration { .milliseconds(12_345) }

    func search(_ request: SearchRequest) async -> AsyncStream<SearchEvent> {
        let events = state.withLock {
            $0.searched.append(request)
            return $0.events
        }
        return AsyncStream { continuation in
            for event in events { continuation.yield(event) }
            continuation.finish()
        }
    }

    func members() async -> [Member] { state.withLock { $0.members } }

    func register(_ url: PeerURL) async -> RegistrationAnswer {
        state.withLock {
            $0.registered.append(url)
            return RegistrationAnswer(
                refusal: $0.refusal, healthy: $0.members.filter { $0.state == .alive }.map(\.url))
        }
    }

    func bootstrap() async -> BootstrapAnswer {
        let urls = state.withLock { $0.members.map(\.url) }
        return BootstrapAnswer(
            registered: Array(urls.prefix(1)), failed: Array(urls.dropFirst()), known: urls)
    }

    func files(after path: String?, limit: Int, matching: String) async throws -> [FoundFile] {
        if state.withLock({ $0.listingFails }) { throw CatalogBroken() }
        let found = try all().filter { file in
            path.map { file.path > $0 } ?? true
                && (matching.isEmpty || file.name.lowercased().contains(matching.lowercased()))
        }
        return Array(found.prefix(limit))
    }

    func file(at path: String) async throws -> FoundFile? {
        try all().first { $0.path == path }
    }

    func files(named name: String) async throws -> [FoundFile] {
        try all().filter { $0.name == name }
    }

    func files(sha256: String) async throws -> [FoundFile] {
        try all().filter { $0.sha256 == sha256 }
    }

    func checksummed(_ path: String) async throws -> FoundFile {
        guard let file = try await file(at: path) else {
            throw RootedFileError(path: path, reason: .notFound)
        }
        return file
    }

    func open(_ path: String) async throws -> OpenFile {
        do {
            return try root.open(try RelativePath(path))
        } catch let fault as RelativePath.Fault {
            throw RootedFileError(path: path, reason: .invalidPath(fault))
        }
    }

    func totals() async -> SharedTotals {
        SharedTotals(files: 3, bytes: 3000, hashed: 2)
    }

    private func all() throws -> [FoundFile] {
        if let listed = state.withLock({ $0.listed }) { return listed }
        let hashes = state.withLock { $0.hashes }
        return try directory.files().map { path in
            let status = try root.open(try RelativePath(path)).status()
            return FoundFile(
                path: path, size: status.size,
                modified: status.modified.seconds * 1_000_000_000 + status.modified.nanoseconds,
                sha256: hashes[path])
        }
    }
}

extension Member {
    init(_ url: String, _ state: MemberState) throws {
        self.init(
            url: try PeerURL(url), isFriend: false, state: state, since: .zero, wasAlive: false,
            checkDue: .zero)
    }
}
