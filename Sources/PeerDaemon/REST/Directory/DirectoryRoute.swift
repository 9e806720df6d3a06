import HTTPTypes

/// The resources of a directory; raw values are their paths.
enum DirectoryRoute: String, CaseIterable {
    // SEED-API.md A
    case originalLogin = "/login"
    case originalHolders = "/buscar_archivos"
    case originalPeers = "/peers_activos"
    case originalFiles = "/ver_archivos"

    case login = "/v1/directory/login"
    case heartbeat = "/v1/directory/heartbeat"
    case index = "/v1/directory/index"
    case logout = "/v1/directory/logout"
    case peers = "/v1/directory/peers"
    case files = "/v1/directory/files"

    static let byPath = Dictionary(
        uniqueKeysWithValues: allCases.map { (Substring($0.rawValue), $0) })

    var methods: [HTTPRequest.Method] {
        switch self {
        case .originalLogin, .login, .heartbeat, .logout: [.post, .options]
        case .index: [.put, .options]
        case .originalHolders, .originalPeers, .originalFiles, .peers, .files:
            [.get, .head, .options]
        }
    }

    /// Whether only a refusal counts as one of its client's requests.
    ///
    /// A thousand peers behind one address give a thousand signs of life in half a minute. Who
    /// shows a password or a token that is right may; who guesses is limited as everybody else,
    /// and by the throttle of logins besides.
    var countsRefusalsAlone: Bool {
        switch self {
        case .originalLogin, .login, .heartbeat, .index, .logout: true
        case .originalHolders, .originalPeers, .originalFiles, .peers, .files: false
        }
    }
}
