import GRPCCore
import Overlay
import PeerWire

/// `p2p.v1.Gossip`: what other members say.
struct GossipService: P2p_V1_Gossip.SimpleServiceProtocol {
    let fleet: Fleet
    let node: any Node

    func tell(
        request: P2p_V1_GossipMessage, context: ServerContext
    ) async throws -> P2p_V1_GossipReceipt {
        await fleet.receive(
            try SwimMessage(request), files: Int64(clamping: request.files),
            bytes: Int64(clamping: request.bytes))
        return P2p_V1_GossipReceipt()
    }

    func describe(
        request: P2p_V1_DescribeRequest, context: ServerContext
    ) async throws -> P2p_V1_Description {
        let totals = await node.totals()
        return .with {
            $0.peer = P2p_V1_Address(PeerAddress(node.identity))
            $0.files = UInt64(clamping: totals.files)
            $0.bytes = UInt64(clamping: totals.bytes)
        }
    }
}
