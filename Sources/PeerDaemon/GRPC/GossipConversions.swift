import FoundationEssentials
import GRPCCore
import Overlay
import PeerWire

// What comes from outside is refused whole where a part of it cannot be: the sender speaks another language.

private enum GossipLimits {
    static let updatesMax = 256
    /// More than ``SwimConfiguration/membersMax``.
    static let recordsMax = 32_768
    /// A DNS name, a port.
    static let addressBytesMax = 270
    /// So that incarnations can be counted on from any that is believed.
    static let bootMax = UInt64(1) << 62

    static func fault(_ field: String, _ expected: String) -> RPCError {
        RPCError(code: .invalidArgument, message: "\(field): expected \(expected)")
    }
}

extension PeerID {
    fileprivate init(wire bytes: Data, _ field: String) throws(RPCError) {
        guard let id = PeerID(bytes: Array(bytes)) else {
            throw GossipLimits.fault(field, "\(PeerID.bytesCount) bytes")
        }
        self = id
    }

    fileprivate var data: Data { Data(bytes) }
}

extension P2p_V1_MemberRecord {
    fileprivate init(_ update: SwimUpdate) {
        self.init()
        let record = update.record
        id = record.id.data
        grpc = record.address
        boot = record.incarnation.boot
        refutations = record.incarnation.refutations
        state = .init(record.state)
        suspectedBy = update.by?.data ?? Data()
    }
}

extension P2p_V1_MemberState {
    fileprivate init(_ state: SwimState) {
        self =
            switch state {
            case .alive: .alive
            case .suspect: .suspect
            case .dead: .dead
            case .left: .left
            }
    }
}

extension SwimState {
    fileprivate init(_ state: P2p_V1_MemberState) throws(RPCError) {
        switch state {
        case .alive: self = .alive
        case .suspect: self = .suspect
        case .dead: self = .dead
        case .left: self = .left
        case .UNRECOGNIZED: throw GossipLimits.fault("state", "one of 0-3")
        }
    }
}

extension SwimUpdate {
    fileprivate init(_ record: P2p_V1_MemberRecord) throws(RPCError) {
        guard record.boot < GossipLimits.bootMax else {
            throw GossipLimits.fault("boot", "a number below 2^62")
        }
        guard record.grpc.utf8.count <= GossipLimits.addressBytesMax else {
            throw GossipLimits.fault("grpc", "at most \(GossipLimits.addressBytesMax) bytes")
        }
        self.init(
            SwimRecord(
                id: try PeerID(wire: record.id, "id"), address: record.grpc,
                incarnation: Incarnation(boot: record.boot, refutations: record.refutations),
                state: try SwimState(record.state)),
            by: record.suspectedBy.isEmpty
                ? nil : try PeerID(wire: record.suspectedBy, "suspected_by"))
    }

    fileprivate static func list(
        _ records: [P2p_V1_MemberRecord], max: Int, _ field: String
    ) throws(RPCError) -> [SwimUpdate] {
        guard records.count <= max else { throw GossipLimits.fault(field, "at most \(max)") }
        var updates: [SwimUpdate] = []
        updates.reserveCapacity(records.count)
        for record in records { updates.append(try SwimUpdate(record)) }
        return updates
    }
}

extension P2p_V1_GossipMessage {
    init(_ message: SwimMessage) {
        self.init()
        from = P2p_V1_MemberRecord(SwimUpdate(message.from))
        updates = message.updates.map(P2p_V1_MemberRecord.init)
        body = OneOf_Body(message.body)
    }
}

extension P2p_V1_GossipMessage.OneOf_Body {
    fileprivate init?(_ body: SwimMessage.Body) {
        switch body {
        case .ping(let sequence, let target):
            self = .ping(
                .with {
                    $0.sequence = sequence
                    $0.target = target.data
                })
        case .ack(let sequence): self = .ack(.with { $0.sequence = sequence })
        case .pingRequest(let sequence, let target, let address):
            self = .pingRequest(
                .with {
                    $0.sequence = sequence
                    $0.target = target.data
                    $0.grpc = address
                })
        case .missed(let sequence): self = .missed(.with { $0.sequence = sequence })
        case .gossip: return nil
        case .digest(let buckets): self = .digest(.with { $0.buckets = buckets })
        case .records(let records, let digest):
            self = .records(
                .with {
                    $0.members = records.map { P2p_V1_MemberRecord(SwimUpdate($0)) }
                    if let digest { $0.digest = .with { $0.buckets = digest } }
                })
        }
    }
}

extension SwimMessage {
    /// - Throws: `invalidArgument`, naming the field.
    init(_ message: P2p_V1_GossipMessage) throws(RPCError) {
        self.init(
            from: try SwimUpdate(message.from).record, body: try Body(message.body),
            updates: try SwimUpdate.list(
                message.updates, max: GossipLimits.updatesMax, "updates"))
    }
}

extension SwimMessage.Body {
    fileprivate init(_ body: P2p_V1_GossipMessage.OneOf_Body?) throws(RPCError) {
        switch body {
        case .ping(let ping):
            self = .ping(
                sequence: ping.sequence, target: try PeerID(wire: ping.target, "ping.target"))
        case .ack(let ack): self = .ack(sequence: ack.sequence)
        case .pingRequest(let request):
            guard request.grpc.utf8.count <= GossipLimits.addressBytesMax else {
                throw GossipLimits.fault("grpc", "at most \(GossipLimits.addressBytesMax) bytes")
            }
            self = .pingRequest(
                sequence: request.sequence,
                target: try PeerID(wire: request.target, "ping_request.target"),
                address: request.grpc)
        case .missed(let missed): self = .missed(sequence: missed.sequence)
        case .digest(let digest): self = .digest(try Self.buckets(digest))
        case .records(let records):
            self = .records(
                try SwimUpdate.list(
                    records.members, max: GossipLimits.recordsMax, "records.members"
                ).map(\.record),
                digest: records.hasDigest ? try Self.buckets(records.digest) : nil)
        case nil: self = .gossip
        }
    }

    private static func buckets(
        _ digest: P2p_V1_GossipMessage.Digest
    ) throws(RPCError) -> [UInt64] {
        guard digest.buckets.count == MemberTable.buckets else {
            throw GossipLimits.fault("digest", "\(MemberTable.buckets) buckets")
        }
        return digest.buckets
    }
}
