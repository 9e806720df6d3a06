import HTTPTypes

/// The resources of the REST face.
enum Route: Equatable {
    case health, register, bootstrap, peers, files, search, status, metrics, openAPI
    /// - Parameter name: What follows `/files/`, still percent-encoded.
    case file(name: Substring)
    case directory(DirectoryRoute)

    private static let fixed: [Substring: Route] = [
        "/health": .health, "/register": .register, "/bootstrap": .bootstrap, "/peers": .peers,
        "/files": .files, "/search": .search, "/status": .status, "/metrics": .metrics,
        "/openapi.json": .openAPI,
    ]
    private static let filesPrefix = "/files/"

    /// - Parameter servesDirectory: Whether the resources of a directory are here, too.
    init?(path: Substring, servesDirectory: Bool = false) {
        if let route = Self.fixed[path] {
            self = route
        } else if servesDirectory, let route = DirectoryRoute.byPath[path] {
            self = .directory(route)
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
        case .directory(let route): route.rawValue
        }
    }

    var methods: [HTTPRequest.Method] {
        switch self {
        case .register, .bootstrap: [.post, .options]
        case .health, .peers, .files, .file, .search, .status, .metrics, .openAPI:
            [.get, .head, .options]
        case .directory(let route): route.methods
        }
    }

    /// The value of the field `Allow`.
    var allow: String {
        methods.map(\.rawValue).joined(separator: ", ")
    }

    /// Whether every request counts. Monitoring must go on when a client is over its limit, and so
    /// must the signs of life of peers.
    var isRateLimited: Bool {
        switch self {
        case .health, .metrics: false
        case .directory(let route): !route.countsRefusalsAlone
        case .register, .bootstrap, .peers, .files, .file, .search, .status, .openAPI: true
        }
    }
}
