import GRPCCore
import Metrics
import Overlay
import PeerWire
import SwiftProtobuf

/// `p2p.v1.Overlay`: a search that comes from a neighbour.
struct OverlayService: P2p_V1_Overlay.SimpleServiceProtocol {
    /// For askers that set no deadline.
    static let timeoutDefault = Duration.seconds(5)
    static let textBytesMax = 1024

    let network: PeerNetwork

    func search(
        request: P2p_V1_SearchRequest, response: RPCWriter<P2p_V1_SearchReply>,
        context: ServerContext
    ) async throws {
        let incoming = try IncomingQuery(request)
        Counter(label: "p2p_searches_total", dimensions: [("origin", "neighbour")]).increment()
        for await event in await network.answer(incoming) {
            try await response.write(P2p_V1_SearchReply(event))
        }
    }
}

/// A query as a neighbour forwards it.
struct IncomingQuery: Sendable {
    var id: QueryID
    var text: String
    var fanout: Int
    var ttl: Int
    var timeout: Duration
    var origin: PeerURL
    var asker: PeerURL
    var alreadyAsked: Set<PeerURL>
    /// Most files in one answer.
    var limit: Int

    init(_ request: P2p_V1_SearchRequest) throws(RPCError) {
        func invalid(_ field: String, _ expected: String) -> RPCError {
            RPCError(code: .invalidArgument, message: "\(field): expected \(expected)")
        }
        guard let id = QueryID(request.queryID) else {
            throw invalid("query_id", "\(QueryID.bytesCount) bytes, found \(request.queryID.count)")
        }
        guard request.text.utf8.count <= OverlayService.textBytesMax else {
            throw invalid("text", "at most \(OverlayService.textBytesMax) bytes")
        }
        guard let origin = PeerURL(wire: request.origin), let asker = PeerURL(wire: request.asker)
        else {
            throw invalid("origin and asker", "the REST base URLs of two peers")
        }
        self.id = id
        self.origin = origin
        self.asker = asker
        text = request.text
        fanout = Int(request.fanout)
        ttl = Int(request.ttl)
        timeout =
            request.timeoutMs == 0
            ? OverlayService.timeoutDefault : .milliseconds(Int64(request.timeoutMs))
        alreadyAsked = Set(request.alreadyAsked.prefix(256).compactMap { PeerURL(wire: $0) })
        limit =
            request.limit == 0
            ? SearchLimits.filesMax : min(Int(request.limit), SearchLimits.filesMax)
    }
}

enum SearchLimits {
    /// Most files in one peer's answer to a search; beyond it the answer says that it is truncated.
    static let filesMax = 1000
}

extension P2p_V1_SearchReply {
    init(_ event: QueryEvent) {
        self.init()
        switch event {
        case .answer(let answer):
            self.answer = P2p_V1_Answer.with {
                $0.peer = P2p_V1_Address(answer.peer)
                $0.files = answer.files.map(P2p_V1_File.init)
                $0.truncated = answer.truncated
            }
        case .failure(let peer, let reason):
            failure = P2p_V1_Failure.with {
                $0.url = peer.url.description
                $0.reason = reason
            }
        case .finished(let coverage):
            end = P2p_V1_End.with {
                $0.truncated = coverage.truncated || coverage.timedOut
                $0.duplicates = UInt32(coverage.duplicates)
            }
        case .refused(.duplicate):
            end = P2p_V1_End.with { $0.duplicate = true }
        case .refused(.busy):
            end = P2p_V1_End.with { $0.truncated = true }
        }
    }
}
