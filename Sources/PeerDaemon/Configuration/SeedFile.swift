/// What a file of the original directory system says, where its keys have another name or meaning
/// than ours. Such a file is taken as it is.
///
/// The values are gathered first and put in place together, because some explain each other: a
/// friend may be named by a key of `peer_urls`.
struct SeedFile {
    /// Its keys that have only another name here. `directory` is one where it is a string.
    private static let renamed = ["peer_name": "name", "port": "grpc_port"]

    /// Its other keys.
    enum Key: String, CaseIterable {
        case loginURL = "api_url"
        case searchURL = "api_search_url"
        case peerURLs = "peer_urls"
        case grpcURLs = "grpc_urls"
        case primaryFriend = "peer_amigo_titular"
        case secondaryFriend = "peer_amigo_suplente"
        case password
        case authenticates = "auth_enabled"

        /// Ends the sentence "expected …".
        var expected: String {
            switch self {
            case .loginURL: "a URL such as http://host:8000/login, or \"\""
            case .searchURL: "a URL such as http://host:8000/buscar_archivos, or \"\""
            case .peerURLs, .grpcURLs:
                "addresses: a string, or an array or object of at most \(SeedFile.addressesMax)"
            case .primaryFriend, .secondaryFriend:
                "a URL such as http://host:8001, an address such as host:50051, or \"\""
            case .password: "a password, at most \(Secret.bytesMax) bytes"
            case .authenticates: "true or false"
            }
        }
    }

    /// Guess; the original's deployment has three.
    static let addressesMax = 1000

    /// All keys that are not ours.
    static let keys = renamed.keys.sorted() + Key.allCases.map(\.rawValue)

    /// What others have put in place of `/login` and `/buscar_archivos` is kept.
    private static let loginPath = "/login"
    private static let searchPath = "/buscar_archivos"

    /// The value of each key that was there, as `take` accepted it.
    private var loginURL: String?
    private var searchURL: String?
    /// REST URLs of peers by name, as far as the file tells them.
    private var restURLs: [String: String] = [:]
    private var primaryFriend: String?
    private var secondaryFriend: String?
    private var password: String?
    private var authenticates: Bool?

    /// Our name of a key that only has another one there.
    static func renamed(_ member: JSONValue.Member) -> String? {
        if case ("directory", .string) = (member.key, member.value) { return "shared_dir" }
        return renamed[member.key]
    }

    /// - Returns: False where the value is not as expected.
    mutating func take(_ key: Key, _ value: JSONValue) -> Bool {
        switch key {
        case .loginURL: Self.url(value, without: Self.loginPath).into(&loginURL)
        case .searchURL: Self.url(value, without: Self.searchPath).into(&searchURL)
        case .peerURLs, .grpcURLs: takeAddresses(value)
        case .primaryFriend: Self.text(value, bytesMax: 2048).into(&primaryFriend)
        case .secondaryFriend: Self.text(value, bytesMax: 2048).into(&secondaryFriend)
        case .password: Self.text(value, bytesMax: Secret.bytesMax).into(&password)
        case .authenticates: ValueKind.flag.parse(value).into(&authenticates)
        }
    }

    /// Puts what was taken in place; what was not there leaves `configuration` as it is.
    func apply(to configuration: inout PeerConfiguration) {
        // Where to log in is where to search: the original asks one server for both.
        if let url = [loginURL, searchURL].compactMap({ $0 }).first(where: { !$0.isEmpty }) {
            configuration.directory.urls = [url]
        }
        if let password {
            configuration.directory.password = password.isEmpty ? nil : Secret(password)
            configuration.directory.passwordFile = nil
        }
        if let authenticates { configuration.directory.logsIn = authenticates }
        if let primaryFriend {
            configuration.friendPrimary = friend(primaryFriend, &configuration)
        }
        if let secondaryFriend {
            configuration.friendSecondary = friend(secondaryFriend, &configuration)
        }
    }

    /// The friend's REST URL, where it has one: peers register by REST.
    private func friend(_ text: String, _ configuration: inout PeerConfiguration) -> String? {
        if text.isEmpty { return nil }
        if let url = HTTPBaseURL.normalized(text) ?? restURLs[text] { return url }
        configuration.friendsWithoutREST.append(Fault.quoted(text))
        return nil
    }

    private mutating func takeAddresses(_ value: JSONValue) -> Bool {
        switch value {
        case .null, .string: return true
        case .array(let elements):
            return elements.count <= Self.addressesMax
                && elements.allSatisfy { if case .string = $0 { true } else { false } }
        case .object(let members):
            guard members.count <= Self.addressesMax else { return false }
            for member in members {
                guard case .string(let text) = member.value else { return false }
                if let url = HTTPBaseURL.normalized(text) { restURLs[member.key] = url }
            }
            return true
        case .bool, .integer, .number: return false
        }
    }

    /// "" for null and for an empty text.
    private static func text(_ value: JSONValue, bytesMax: Int) -> String? {
        switch value {
        case .null: ""
        case .string(let text) where text.utf8.count <= bytesMax && !text.utf8.contains(0): text
        default: nil
        }
    }

    private static func url(_ value: JSONValue, without path: String) -> String? {
        guard let text = text(value, bytesMax: 2048) else { return nil }
        if text.isEmpty { return "" }
        guard let url = HTTPBaseURL.normalized(text) else { return nil }
        return url.hasSuffix(path) ? String(url.dropLast(path.count)) : url
    }
}

extension Optional {
    /// Puts a value, if there is one, in `place`.
    fileprivate func into(_ place: inout Wrapped?) -> Bool {
        guard let self else { return false }
        place = self
        return true
    }
}
