import HTTPTypes

/// The resources of the REST face.
enum Route: Equatable {
    case health, register, bootstrap, peers, files, search, status, metrics, openAPI
    /// - Parameter name: What follows `/files/`, still percent-encoded.
    case file(name: Substring)

    private static let fixed: [Substring: Route] = [
        "/health": .health, "/register": .register, "/bootstrap": .bootstrap, "/peers": .peers,
        "/files": .files, "/search": .search, "/status": .status, "/metrics": .metrics,
        "/openapi.json": .openAPI,
    ]
    private static let filesPrefix = "/files/"

    init?(path: Substring) {
        if let route = Self.fixed[path] {
            self = route
        } else if path.hasPrefix(Self.filesPrefix), path.utf8.count > Self.filesPrefix.utf8.count {
            self = .file(name: path.dropFirst(Self.filesPrefix.count))
        } else {
            return nil
        }
    }

    /// The path with its parameters unfilled: what metrics may be labelled with.
    var template: String {
        switch self {
        case .health: "/health"
        case .register: "/register"
        case .bootstrap: "/bootstrap"
        case .peers: "/peers"
        case .files: "/files"
        case .file: "/files/{name}"
        case .search: "/search"
        case .status: "/status"
        case .metrics: "/metrics"
        case .openAPI: "/openapi.json"
        }
    }

    var methods: [HTTPRequest.Method] {
        switch self {
        case .register, .bootstrap: [.post, .options]
        case .health, .peers, .files, .file, .search, .status, .metrics, .openAPI:
            [.get, .head, .options]
        }
    }

    /// The value of the field `Allow`.
    var allow: String {
        methods.map(\.rawValue).joined(separator: ", ")
    }

    /// Monitoring must go on when a client is over its limit.
    var isRateLimited: Bool {
        self != .health && self != .metrics
    }
}
