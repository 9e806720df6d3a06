/// What a peer says of itself in `GET /health` and in its answer to a registration.
package struct PeerInfo: Hashable, Sendable {
    /// 64 hex digits, the SHA-256 of its public key; nil from the original REST-only program.
    package var id: String?
    package var name: String
    package var version: String?
    /// `host:port`; nil where it serves no gRPC that we speak.
    package var grpc: String?
    /// How many files it shares, and how many bytes they are.
    package var files: Int64?
    package var bytes: Int64?

    package init(
        id: String? = nil, name: String, version: String? = nil, grpc: String? = nil,
        files: Int64? = nil, bytes: Int64? = nil
    ) {
        self.id = id
        self.name = name
        self.version = version
        self.grpc = grpc
        self.files = files
        self.bytes = bytes
    }

    /// The same peer with the same addresses: what is worth writing down again when it changes.
    func hasSameIdentity(as other: PeerInfo) -> Bool {
        id == other.id && name == other.name && version == other.version && grpc == other.grpc
    }
}

/// Which language a peer speaks.
package enum PeerProtocol: String, Hashable, Sendable {
    /// `p2p.v1` over gRPC: forwards searches.
    case p2p
    /// Only the REST API of the original: its files are listed, nothing is forwarded.
    case rest
    /// It has not answered yet.
    case unknown
}

/// What is believed of a peer.
package enum MemberState: String, Hashable, Sendable, CaseIterable {
    /// Not heard of since this process started.
    case unknown
    case alive
    /// It did not answer a probe of the gossip: dead unless it contradicts in time. It still takes part.
    case suspect
    case dead
    /// It said goodbye; treated as dead, told apart for people.
    case left

    /// Whether it is counted on.
    package var isLive: Bool { self == .alive || self == .suspect }
}

/// A peer that is known, by its REST base URL.
package struct Member: Hashable, Sendable {
    package let url: PeerURL
    package internal(set) var isFriend: Bool
    package internal(set) var state = MemberState.unknown
    package internal(set) var since: Instant
    /// Why it is not alive, in the words of whoever tried.
    package internal(set) var reason: String?
    package internal(set) var roundTrip: Duration?
    package internal(set) var consecutiveFailures = 0
    package internal(set) var info: PeerInfo?
    /// Whether ``Swim`` watches it: then it is neither checked nor registered with.
    package internal(set) var isGossiped = false

    /// Whether it was alive in this run or, for a restored one, in an earlier one.
    var wasAlive: Bool
    var checkDue: Instant
    var registration = Registration.notNeeded
    /// Failures in a row, for the pause until the next attempt.
    var registrationFailures = 0

    /// How far this peer is with making itself known to the member.
    enum Registration: Hashable, Sendable {
        /// It is not alive: nothing to do until it is.
        case notNeeded
        case queued
        case inFlight
        /// Failed; tried again with the first successful check from then on.
        case retry(from: Instant)
        case done
    }

    package var `protocol`: PeerProtocol {
        guard let info else { return .unknown }
        return info.id != nil && info.grpc != nil ? .p2p : .rest
    }
}

/// A member as it was written down by an earlier run.
package struct RestoredMember: Hashable, Sendable {
    package var url: PeerURL
    package var info: PeerInfo?

    package init(url: PeerURL, info: PeerInfo?) {
        self.url = url
        self.info = info
    }
}
