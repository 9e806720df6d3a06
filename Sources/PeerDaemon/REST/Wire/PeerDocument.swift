import Overlay

/// What a peer says of itself: all of `GET /health` but its `stats`, and the answer to a
/// registration. Other peers learn from it who this one is.
///
/// The seeds' peers send only `status`, `peer`, `url`, or `ok` and `peers`; so everything is
/// optional.
package struct PeerDocument: Codable, Hashable, Sendable {
    /// `/health`: "ok".
    package var status: String?
    /// `/register`: true.
    package var ok: Bool?
    /// The peer's name, in the seeds' word.
    package var peer: String?
    /// REST base URL.
    package var url: String?
    /// `/register`: REST base URLs of healthy peers.
    package var peers: [String]?
    /// 64 hex digits.
    package var id: String?
    package var name: String?
    package var version: String?
    /// host:port
    package var grpc: String?
    /// How many files it shares, and how many bytes they are.
    package var files: Int64?
    package var bytes: Int64?

    package init(
        status: String? = nil, ok: Bool? = nil, peer: String? = nil, url: String? = nil,
        peers: [String]? = nil, id: String? = nil, name: String? = nil, version: String? = nil,
        grpc: String? = nil, files: Int64? = nil, bytes: Int64? = nil
    ) {
        self.status = status
        self.ok = ok
        self.peer = peer
        self.url = url
        self.peers = peers
        self.id = id
        self.name = name
        self.version = version
        self.grpc = grpc
        self.files = files
        self.bytes = bytes
    }
}

extension PeerDocument {
    init(_ identity: NodeIdentity) {
        self.init(
            peer: identity.name, url: identity.url.description, id: identity.id,
            name: identity.name, version: identity.version, grpc: identity.grpc)
    }
}

/// The body of `POST /register`.
package struct RegisterRequest: Codable, Hashable, Sendable {
    /// REST base URL of the peer that registers.
    package var url: String
    /// The rest is of our own kind only, and believed no more than it must be: the peer is asked.
    package var id: String?
    package var name: String?
    package var version: String?
    package var grpc: String?

    package init(
        url: String, id: String? = nil, name: String? = nil, version: String? = nil,
        grpc: String? = nil
    ) {
        self.url = url
        self.id = id
        self.name = name
        self.version = version
        self.grpc = grpc
    }
}
