import GRPCCore
import Overlay
import PeerWire

extension PeerLinks {
    /// At the address is another peer than the one that was looked for.
    struct AnotherPeer: Error, CustomStringConvertible {
        let id: String
        var description: String { "the peer \(id) is at that address" }
    }

    /// A connection on which nothing was heard in time is given up: its segments, or its first one, may wait
    /// for a retransmission that comes many seconds after the network is whole again (RFC 6298 §5.5),
    /// and everybody's calls would wait with them.
    ///
    /// - Throws: `RPCError`; then it may have arrived or not.
    func tell(
        _ message: SwimMessage, files: Int64, bytes: Int64, at address: String, timeout: Duration
    ) async throws {
        let client = try client(of: address)
        var request = P2p_V1_GossipMessage(message)
        request.files = UInt64(clamping: files)
        request.bytes = UInt64(clamping: bytes)
        do {
            let gossip = P2p_V1_Gossip.Client(wrapping: client)
            _ = try await gossip.tell(request, options: Self.options(timeout))
        } catch let error as RPCError where error.code == .deadlineExceeded {
            giveUp(client, of: address)
            throw error
        }
    }

    /// Who is at the address.
    ///
    /// - Throws: `RPCError`.
    func describe(at address: String, timeout: Duration) async throws -> (PeerURL, PeerInfo) {
        let gossip = P2p_V1_Gossip.Client(wrapping: try client(of: address))
        let answer = try await gossip.describe(.init(), options: Self.options(timeout))
        guard let peer = PeerAddress(answer.peer) else {
            throw RPCError(code: .dataLoss, message: "it says no REST base URL that can be used")
        }
        let info = PeerInfo(
            id: peer.id, name: peer.name, version: peer.version, grpc: peer.grpc,
            files: Int64(clamping: answer.files), bytes: Int64(clamping: answer.bytes))
        return (peer.url, info)
    }

    private static func options(_ timeout: Duration) -> CallOptions {
        var options = CallOptions.defaults
        options.timeout = timeout
        return options
    }
}
