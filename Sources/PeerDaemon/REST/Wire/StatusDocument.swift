/// The `stats` of `GET /health` and `GET /status`.
struct StatsDocument: Codable, Hashable, Sendable {
    var files: Int
    /// Bytes.
    var totalSize: Int64
    var hashed: Int
    var knownPeers: Int
    var healthyPeers: Int
    /// Seconds.
    var uptime: Double

    private enum CodingKeys: String, CodingKey {
        case files, hashed, uptime
        case totalSize = "total_size"
        case knownPeers = "known_peers"
        case healthyPeers = "healthy_peers"
    }
}

/// The answer of `GET /health`.
struct HealthDocument: Encodable {
    var peer: PeerDocument
    var stats: StatsDocument

    private enum CodingKeys: String, CodingKey { case stats }

    func encode(to encoder: any Encoder) throws {
        try peer.encode(to: encoder)
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(stats, forKey: .stats)
    }
}

/// The answer of `GET /status`.
struct StatusDocument: Codable {
    struct Configuration: Codable {
        var restPort: Int
        var grpcPort: Int
        var metricsPort: Int
        var sharedDirectory: String
        var maxFanout: Int
        var searchTTL: Int

        private enum CodingKeys: String, CodingKey {
            case restPort = "rest_port"
            case grpcPort = "grpc_port"
            case metricsPort = "metrics_port"
            case sharedDirectory = "shared_dir"
            case maxFanout = "max_fanout"
            case searchTTL = "search_ttl"
        }
    }

    var peer: String
    var url: String
    var id: String
    var version: String
    var grpc: String
    var config: Configuration
    var stats: StatsDocument
    var healthyPeers: [String]
    var allPeers: [String]
    /// Seconds.
    var uptime: Double
    /// Only of a peer that is a directory.
    var directory: DirectoryDocument?

    private enum CodingKeys: String, CodingKey {
        case peer, url, id, version, grpc, config, stats, uptime, directory
        case healthyPeers = "healthy_peers"
        case allPeers = "all_peers"
    }
}

/// The `directory` of `GET /status`.
struct DirectoryDocument: Codable {
    /// Without a password.
    var store: String
    /// Logged in; as the others not there while the store does not answer.
    var peers: Int?
    var accounts: Int?
    var files: Int?
}

/// The answer of `GET /peers`.
struct PeersDocument: Codable {
    struct Stats: Codable {
        var totalPeers: Int
        var healthyPeers: Int

        private enum CodingKeys: String, CodingKey {
            case totalPeers = "total_peers"
            case healthyPeers = "healthy_peers"
        }
    }

    /// REST base URLs of the healthy ones.
    var peers: [String]
    var allPeers: [String]
    var stats: Stats

    private enum CodingKeys: String, CodingKey {
        case peers, stats
        case allPeers = "all_peers"
    }
}

/// The answer of `POST /bootstrap`.
struct BootstrapDocument: Codable {
    var ok = true
    var peer: String
    var registered: [String]
    var failed: [String]
    var knownPeers: [String]

    private enum CodingKeys: String, CodingKey {
        case ok, peer, registered, failed
        case knownPeers = "known_peers"
    }
}
