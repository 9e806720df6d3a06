/// What the `directory` object configures: whether this peer is a directory, and where it logs in.
package struct DirectoryConfiguration: Equatable, Sendable {
    /// Whether this daemon answers as a directory.
    package var serve = false
    /// Where a directory keeps what it knows.
    package var store = DirectoryStoreLocation.sqlite
    /// REST base URLs of directories, without a slash at the end, best first; empty: none is asked.
    package var urls: [String] = []
    /// As configured; ``PeerConfiguration/directoryUsername`` is the one to use.
    package var username: String?
    package var passwordFile: String?
    /// Of ``passwordFile``, of the credential `directory-password`, or of the original's key
    /// `password`; nil where none is given.
    package var password: Secret?
    /// The original's `auth_enabled`: a peer that does not log in asks a directory, and is not
    /// listed there.
    package var logsIn = true
    /// Between two heartbeats of this peer to its directory.
    package var heartbeatInterval = Duration.seconds(30)
    /// After which this directory calls a silent peer inactive.
    package var lease = Duration.seconds(60)
}

/// Where a directory keeps accounts, leases and who has what.
package enum DirectoryStoreLocation: Equatable, Sendable {
    /// A file in the state directory.
    case sqlite
    case postgresql(ConnectionURL)
}

extension DirectoryStoreLocation: CustomStringConvertible {
    /// Without a password.
    package var description: String {
        switch self {
        case .sqlite: "sqlite"
        case .postgresql(let url): url.description
        }
    }
}

/// A connection URI as libpq takes it (PostgreSQL, "Connection URIs"); may hold a password.
package struct ConnectionURL: Equatable, Sendable {
    private static let schemes = ["postgresql://", "postgres://"]
    static let bytesMax = 2048

    /// For libpq alone: with the password.
    package let text: Secret

    /// - Parameter text: Only its scheme is looked at: libpq knows the rest.
    package init?(_ text: String) {
        guard text.utf8.count <= Self.bytesMax, text.utf8.allSatisfy({ 0x20 < $0 && $0 < 0x7F }),
            Self.schemes.contains(where: { text.hasPrefix($0) })
        else { return nil }
        self.text = Secret(text)
    }
}

extension ConnectionURL: CustomStringConvertible, CustomReflectable {
    /// With `***` where a password is, or could be: rather too much is hidden than too little.
    package var description: String {
        let shown = Self.withoutUserPassword(text.value)
        guard let mark = shown.firstIndex(of: "?") else { return shown }
        let parameters = shown[mark...].dropFirst()
            .split(separator: "&", omittingEmptySubsequences: false).map(Self.withoutValue)
        return "\(shown[...mark])\(parameters.joined(separator: "&"))"
    }

    package var customMirror: Mirror { Mirror(self, children: ["url": description]) }

    /// `user:password@host`: from the first colon to the last `@`, since both may be in a password.
    private static func withoutUserPassword(_ text: String) -> String {
        guard let start = text.firstRange(of: "://")?.upperBound,
            let at = text[start...].lastIndex(of: "@"),
            let colon = text[start..<at].firstIndex(of: ":")
        else { return text }
        return "\(text[...colon])\(Secret.mask)\(text[at...])"
    }

    private static func withoutValue(_ parameter: Substring) -> String {
        let name = parameter.prefix { $0 != "=" }
        // libpq decodes names: one in another spelling may be `password`, too.
        let isSecret = name.lowercased().contains("password") || name.contains("%")
        return isSecret ? "\(name)=\(Secret.mask)" : String(parameter)
    }
}
