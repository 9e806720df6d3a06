/// An account that is logged in, until `expires`.
///
/// An account has at most one: the last login counts, and the token of the one before is dead.
package struct Lease: Equatable, Sendable {
    /// The account's name, which is the peer's.
    package let peer: String
    package let token: TokenDigest
    package let opened: UnixTime
    /// The first moment at which it counts no more.
    package var expires: UnixTime
    /// The client's address at its last login, without the port.
    package let source: String
    package let contact: PeerContact

    package init(
        peer: String, token: TokenDigest, opened: UnixTime, expires: UnixTime, source: String,
        contact: PeerContact
    ) {
        self.peer = peer
        self.token = token
        self.opened = opened
        self.expires = expires
        self.source = source
        self.contact = contact
    }

    package func isActive(at now: UnixTime) -> Bool { now < expires }
}

/// Where a peer says that it is reached; nil is what it did not say (the original's clients say
/// nothing).
package struct PeerContact: Equatable, Sendable {
    /// REST base URL.
    package var restURL: String?
    /// `grpc://IP:PORT`.
    package var grpc: String?
    /// Its id in the overlay.
    package var peerID: String?

    package init(restURL: String? = nil, grpc: String? = nil, peerID: String? = nil) {
        self.restURL = restURL
        self.grpc = grpc
        self.peerID = peerID
    }
}

/// What a heartbeat shows: 32 random bytes, in 64 hexadecimal digits. Given out once, never kept.
package struct SessionToken: Equatable, Sendable {
    package let string: String

    /// A new one.
    init() {
        var generator = SystemRandomNumberGenerator()
        string =
            SHA256Digest(
                words: (
                    generator.next(), generator.next(), generator.next(), generator.next()
                )
            ).hexadecimal
    }

    /// What a client sent; nil when it can be no token.
    package init?(_ string: String) {
        guard SHA256Digest(hexadecimal: string) != nil else { return nil }
        self.string = string
    }

    package var digest: TokenDigest { TokenDigest(sha256: SHA256Digest(of: string.utf8)) }
}

/// Not for a log.
extension SessionToken: CustomStringConvertible {
    package var description: String { "(a session's token)" }
}

/// A token as it is stored. It needs no salt and no slow hash: 256 random bits are not guessed.
package struct TokenDigest: Hashable, Sendable {
    package let sha256: SHA256Digest

    package init(sha256: SHA256Digest) {
        self.sha256 = sha256
    }
}
