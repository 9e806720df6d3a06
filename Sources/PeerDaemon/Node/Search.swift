import Overlay

package struct SearchRequest: Sendable, Hashable {
    /// Case-insensitive substring of a file's name; everything when empty.
    package var text: String
    /// nil: as configured.
    package var fanout: Int?
    package var ttl: Int?
    package var timeout: Duration?
    /// nil: both where a directory is configured, else the overlay.
    package var via: SearchVia?

    package init(
        text: String, fanout: Int? = nil, ttl: Int? = nil, timeout: Duration? = nil,
        via: SearchVia? = nil
    ) {
        self.text = text
        self.fanout = fanout
        self.ttl = ttl
        self.timeout = timeout
        self.via = via
    }
}

/// Whom a search asks.
package enum SearchVia: String, CaseIterable, Sendable {
    case overlay, directory, both
}

/// Who told of a peer's files.
package enum AnswerSource: String, Sendable {
    /// The peer itself.
    case overlay
    case directory
}

package enum SearchEvent: Sendable {
    /// Once for each peer that answered; this peer's own comes first when it is there first.
    case answer(PeerAnswer)
    case failure(PeerFailure)
    /// The last one.
    case end(SearchCoverage)
}

/// What one peer answered.
package struct PeerAnswer: Sendable, Hashable {
    package var peer: PeerAddress
    package var files: [FoundFile]
    /// More files matched than are listed.
    package var truncated: Bool
    package var source: AnswerSource

    package init(
        peer: PeerAddress, files: [FoundFile], truncated: Bool, source: AnswerSource = .overlay
    ) {
        self.peer = peer
        self.files = files
        self.truncated = truncated
        self.source = source
    }
}

/// A peer as an answer names it; the optional parts are unknown of a neighbour that speaks only REST.
package struct PeerAddress: Sendable, Hashable {
    package var url: PeerURL
    package var name: String
    package var id: String?
    /// host:port
    package var grpc: String?
    package var version: String?

    package init(url: PeerURL, name: String, id: String?, grpc: String?, version: String?) {
        self.url = url
        self.name = name
        self.id = id
        self.grpc = grpc
        self.version = version
    }
}

/// A file that a peer shares.
package struct FoundFile: Sendable, Hashable {
    /// In the shared directory, components separated by `/`.
    package var path: String
    /// Bytes; 0 where an original directory tells of the file, which does not say.
    package var size: Int64
    /// Nanoseconds since 1970-01-01T00:00:00Z.
    package var modified: Int64
    /// Lower-case hex; nil until the file has been hashed.
    package var sha256: String?

    package init(path: String, size: Int64, modified: Int64, sha256: String?) {
        self.path = path
        self.size = size
        self.modified = modified
        self.sha256 = sha256
    }

    package var name: String {
        guard let slash = path.lastIndex(of: "/") else { return path }
        return String(path[path.index(after: slash)...])
    }

    /// The extension in lower case without its dot; empty when there is none.
    package var type: String {
        let name = name
        guard let dot = name.lastIndex(of: "."), dot != name.startIndex else { return "" }
        return name[name.index(after: dot)...].lowercased()
    }
}

package struct PeerFailure: Sendable, Hashable {
    package var url: PeerURL
    package var reason: String

    package init(url: PeerURL, reason: String) {
        self.url = url
        self.reason = reason
    }
}

/// How far a search got.
package struct SearchCoverage: Sendable, Hashable {
    /// Peers that answered, this one among them.
    package var reached: Int
    /// Peers known here, this one among them.
    package var known: Int
    package var failed: [PeerFailure]
    /// Neighbours that had met the query before.
    package var duplicates: Int
    /// A limit or the deadline cut the answer short.
    package var truncated: Bool
    package var elapsed: Duration
    /// URL of the directory that answered.
    package var directory: String?

    package init(
        reached: Int, known: Int, failed: [PeerFailure], duplicates: Int, truncated: Bool,
        elapsed: Duration, directory: String? = nil
    ) {
        self.directory = directory
        self.reached = reached
        self.known = known
        self.failed = failed
        self.duplicates = duplicates
        self.truncated = truncated
        self.elapsed = elapsed
    }
}
