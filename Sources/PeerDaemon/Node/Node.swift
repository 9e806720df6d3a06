import Overlay
import RootedFiles

/// What the faces (REST, gRPC, admin) ask of the daemon. One of these is behind all three.
package protocol Node: Sendable {
    var identity: NodeIdentity { get }
    /// As they are now; a reload changes them.
    var settings: LiveSettings { get }
    /// Since the daemon started.
    var uptime: Duration { get }
    /// Whether searches can ask a directory.
    var hasDirectory: Bool { get }

    // MARK: Finding

    /// Searches here and of neighbours. The stream ends with `.end`; leaving it cancels the search.
    func search(_ request: SearchRequest) async -> AsyncStream<SearchEvent>

    // MARK: Peers

    /// Friends first, then by URL.
    func members() async -> [Member]
    /// Somebody says that it is a peer: checked at once, then known.
    func register(_ url: PeerURL) async -> RegistrationAnswer
    /// Registers this peer with both friends.
    func bootstrap() async -> BootstrapAnswer

    // MARK: What is shared here

    /// Ordered by path, those whose name contains `matching` (all when empty).
    func files(after path: String?, limit: Int, matching: String) async throws -> [FoundFile]
    func file(at path: String) async throws -> FoundFile?
    /// Those of that name anywhere in the shared directory, ordered by path.
    func files(named name: String) async throws -> [FoundFile]
    func files(sha256: String) async throws -> [FoundFile]
    /// Hashes the file now if that was not done yet.
    func checksummed(_ path: String) async throws -> FoundFile
    /// - Throws: `RootedFileError`: not found, not a regular file, a path that leaves the root.
    func open(_ path: String) async throws -> OpenFile
    /// Files and bytes shared, and how many are hashed.
    func totals() async -> SharedTotals
}

/// Who this peer is; fixed from start to stop.
package struct NodeIdentity: Sendable {
    package var name: String
    /// Lower-case hex SHA-256 of the public key.
    package var id: String
    package var version: String
    /// REST base URL under which others reach this peer.
    package var url: PeerURL
    /// Address in `grpc://` links.
    package var ip: String
    package var ports: Ports
    package var sharedDirectory: String
    package var stateDirectory: String
    package var configurationFile: String

    /// The ports that are listened on, also when the configuration said 0.
    package struct Ports: Sendable, Hashable {
        package var rest: Int
        package var grpc: Int
        package var metrics: Int

        package init(rest: Int, grpc: Int, metrics: Int) {
            self.rest = rest
            self.grpc = grpc
            self.metrics = metrics
        }
    }

    package init(
        name: String, id: String, version: String, url: PeerURL, ip: String, ports: Ports,
        sharedDirectory: String, stateDirectory: String, configurationFile: String
    ) {
        self.name = name
        self.id = id
        self.version = version
        self.url = url
        self.ip = ip
        self.ports = ports
        self.sharedDirectory = sharedDirectory
        self.stateDirectory = stateDirectory
        self.configurationFile = configurationFile
    }

    /// host:port of the gRPC service, an IPv6 address in brackets.
    package var grpc: String {
        (ip.contains(":") ? "[\(ip)]" : ip) + ":\(ports.grpc)"
    }
}

/// What a reload can change.
package struct LiveSettings: Sendable, Hashable {
    package var searchTTL: Int
    package var maxFanout: Int
    package var searchTimeout: Duration
    /// Per client address.
    package var requestsPerMinute: Int
    package var downloadsPerMinute: Int
    package var uploads: UploadSettings

    package init(
        searchTTL: Int, maxFanout: Int, searchTimeout: Duration, requestsPerMinute: Int,
        downloadsPerMinute: Int, uploads: UploadSettings = .none
    ) {
        self.searchTTL = searchTTL
        self.maxFanout = maxFanout
        self.searchTimeout = searchTimeout
        self.requestsPerMinute = requestsPerMinute
        self.downloadsPerMinute = downloadsPerMinute
        self.uploads = uploads
    }
}

package struct SharedTotals: Sendable, Hashable {
    package var files: Int
    package var bytes: Int64
    package var hashed: Int

    package init(files: Int, bytes: Int64, hashed: Int) {
        self.files = files
        self.bytes = bytes
        self.hashed = hashed
    }
}

package struct RegistrationAnswer: Sendable, Hashable {
    /// nil: registered.
    package var refusal: String?
    package var healthy: [PeerURL]

    package init(refusal: String?, healthy: [PeerURL]) {
        self.refusal = refusal
        self.healthy = healthy
    }
}

package struct BootstrapAnswer: Sendable, Hashable {
    package var registered: [PeerURL]
    package var failed: [PeerURL]
    package var known: [PeerURL]

    package init(registered: [PeerURL], failed: [PeerURL], known: [PeerURL]) {
        self.registered = registered
        self.failed = failed
        self.known = known
    }
}
