/// The types of org.p2ppeer.Admin (`Sources/PeerWire/org.p2ppeer.Admin.varlink`), field for field.
///
/// Words of its enumerations stay strings: a newer daemon may say one that this program has not
/// heard of, and it is shown as it is. Members are named as they are on the wire.
// swift-format-ignore: AlwaysUseLowerCamelCase
enum Admin {
    static let interface = "org.p2ppeer.Admin"

    struct Peer: Codable, Equatable, Sendable {
        var url: String
        var name: String?
        var id: String?
        var version: String?
        var grpc: String?
        var state: String
        /// Milliseconds since 1970, as all instants here.
        var since: Int
        var `protocol`: String
        var friend: Bool
        /// Microseconds.
        var round_trip_us: Int?
        var files: Int?
        var bytes: Int?
        var reason: String?
    }

    struct File: Codable, Equatable, Sendable {
        var path: String
        var name: String
        var type: String
        var size: Int
        var modified: Int
        var sha256: String?
    }

    struct Answer: Codable, Equatable, Sendable {
        var peer: String
        var url: String
        var id: String?
        var grpc: String?
        var files: [File]
    }

    struct Failure: Codable, Equatable, Sendable {
        var url: String
        var reason: String
    }

    struct Coverage: Codable, Equatable, Sendable {
        var reached: Int
        var known: Int
        var failed: [Failure]
        var duplicates: Int
        var truncated: Bool
        var elapsed_ms: Int
    }

    struct Ports: Codable, Equatable, Sendable {
        var rest: Int
        var grpc: Int
        var metrics: Int
    }

    struct Catalog: Codable, Equatable, Sendable {
        var files: Int
        var bytes: Int
        var hashed: Int
        var state: String
        var watching: Bool
        var detail: String?
    }

    struct Transfers: Codable, Equatable, Sendable {
        var active: Int
        var done: Int
        var failed: Int
        var bytes_received: Int
        var bytes_sent: Int
    }

    struct Progress: Codable, Equatable, Sendable {
        var state: String
        var path: String
        var size: Int?
        var received: Int
        var resumed: Int
        var source: String?
        var sha256: String?
        var elapsed_ms: Int
    }

    struct Status: Codable, Equatable, Sendable {
        var name: String
        var id: String
        var version: String
        var url: String
        var pid: Int
        var uptime_ms: Int
        var config_file: String
        var shared_dir: String
        var state_dir: String
        var ports: Ports
        var catalog: Catalog
        var peers_alive: Int
        var peers_known: Int
        var transfers: Transfers
    }

    struct Peers: Codable, Sendable {
        var peers: [Peer]
    }

    struct FilesQuery: Codable, Sendable {
        var query: String?
        var after: String?
        var limit: Int?
    }

    struct Files: Codable, Sendable {
        var files: [File]
        var continues: Bool
    }

    struct SearchQuery: Codable, Sendable {
        var query: String
        var fanout: Int?
        var ttl: Int?
        var timeout_ms: Int?
    }

    struct SearchReply: Codable, Sendable {
        var answers: [Answer]
        var coverage: Coverage?
    }

    struct GetQuery: Codable, Sendable {
        var path: String?
        var peer: String?
        var sha256: String?
        var force: Bool?
        var output: Int?
    }

    struct GetReply: Codable, Sendable {
        var progress: Progress
    }

    struct Bootstrap: Codable, Equatable, Sendable {
        var registered: [String]
        var failed: [Failure]
        var known: [String]
    }

    struct Reload: Codable, Equatable, Sendable {
        var changed: [String]
        var needs_restart: [String]
    }

    struct Rescan: Codable, Equatable, Sendable {
        var files: Int
        var bytes: Int
        var added: Int
        var changed: Int
        var removed: Int
    }
}
