/// What members tell each other.
package struct SwimMessage: Hashable, Sendable {
    package enum Body: Hashable, Sendable {
        /// Are you `target`, and there? Another peer at a reused address does not answer.
        case ping(sequence: UInt32, target: PeerID)
        case ack(sequence: UInt32)
        /// Ping this one for me.
        case pingRequest(sequence: UInt32, target: PeerID, address: String)
        /// It has not answered me so far; this helper is well (Lifeguard's nack).
        case missed(sequence: UInt32)
        /// Nothing but the updates.
        case gossip
        /// What I know of the living, as a digest for each bucket; say where we differ.
        case digest([UInt64])
        /// All that I know in the buckets where we differ, and my digest if yours is wanted.
        case records([SwimRecord], digest: [UInt64]?)
    }

    /// Who says it; every message so proves its sender alive, as of that incarnation.
    package var from: SwimRecord
    package var body: Body
    package var updates: [SwimUpdate]

    package init(from: SwimRecord, body: Body, updates: [SwimUpdate] = []) {
        self.from = from
        self.body = body
        self.updates = updates
    }

    /// Bytes on the wire, as `p2p.v1` would encode it over a connection that is open: protobuf fields,
    /// gRPC's prefix of 5 bytes, two HTTP/2 frame headers and compressed header fields.
    package var encodedBytes: Int {
        let overhead = 60
        let spread = updates.reduce(0) { $0 + $1.encodedBytes }
        return overhead + from.encodedBytes + spread + body.encodedBytes
    }
}

extension SwimMessage.Body {
    fileprivate var encodedBytes: Int {
        let id = PeerID.bytesCount + 2
        return switch self {
        case .ping: 6 + id
        case .ack, .missed: 6
        case .pingRequest(_, _, let address): 6 + id + 2 + address.utf8.count
        case .gossip: 0
        case .digest(let buckets): 3 + 8 * buckets.count
        case .records(let records, let digest):
            records.reduce(3 + 8 * (digest?.count ?? 0)) { $0 + $1.encodedBytes }
        }
    }
}

extension SwimRecord {
    /// Field tags and lengths included; `boot` is a varint of seconds.
    var encodedBytes: Int { 2 + PeerID.bytesCount + 2 + address.utf8.count + 2 + 6 + 2 + 2 }
}

extension SwimUpdate {
    var encodedBytes: Int { 2 + record.encodedBytes + (by == nil ? 0 : PeerID.bytesCount + 2) }
}
