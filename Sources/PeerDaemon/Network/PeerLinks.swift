import FoundationEssentials
import GRPCCore
import GRPCNghttp2
import Locking
import NIOCore
import Overlay
import PeerWire
import SwiftProtobuf

/// Connections to other peers: one gRPC client for each address, made when first needed.
///
/// Bounded: above ``clientsMax`` the client that was used the longest ago is closed; calls under way on it
/// end first.
final class PeerLinks: Sendable {
    typealias Client = GRPCClient<NghttpClientTransport>

    /// A connection costs about 50 KB and a descriptor; neighbours and sources are far fewer.
    static let clientsMax = 256

    private static let configuration: ClientConfiguration = {
        var configuration = ClientConfiguration()
        // Whoever asks decides when a peer is tried again; one that is back is to be seen at once.
        configuration.backoff = nil
        return configuration
    }()

    private struct Link {
        let client: Client
        var lastUse: UInt64
    }

    private struct State {
        var links: [String: Link] = [:]
        var uses: UInt64 = 0
        var isStopped = false
    }

    let rest: RESTLinks
    private let group: any EventLoopGroup
    private let state = Locked(State())
    private let opened: AsyncStream<Client>
    private let openedQueue: AsyncStream<Client>.Continuation

    init(rest: RESTLinks, group: any EventLoopGroup) {
        self.rest = rest
        self.group = group
        (opened, openedQueue) = AsyncStream.makeStream()
    }

    /// Keeps the clients' connections until cancelled.
    func run() async {
        await withDiscardingTaskGroup { group in
            for await client in opened {
                group.addTask {
                    do {
                        try await client.runConnections()
                    } catch {
                        // A client that was closed before it ran: nothing was lost.
                    }
                }
            }
            let clients = state.withLock { state in
                state.isStopped = true
                return state.links.values.map(\.client)
            }
            for client in clients { client.beginGracefulShutdown() }
            group.cancelAll()
        }
    }

    /// The client of `address`, host:port.
    func client(of address: String) throws(RPCError) -> Client {
        guard let (host, port) = Self.split(address) else {
            throw RPCError(code: .invalidArgument, message: "\(address) is no host:port")
        }
        let (client, isNew, evicted) = try state.withLock { state throws(RPCError) in
            guard !state.isStopped else {
                throw RPCError(code: .unavailable, message: "this peer is stopping")
            }
            state.uses += 1
            if let known = state.links[address] {
                state.links[address]?.lastUse = state.uses
                return (known.client, false, nil as Client?)
            }
            let made = Client(
                transport: NghttpClientTransport(
                    host: host, port: port, eventLoop: group.next(),
                    configuration: Self.configuration))
            let evicted = Self.makeRoom(&state)
            state.links[address] = Link(client: made, lastUse: state.uses)
            return (made, true, evicted)
        }
        evicted?.beginGracefulShutdown()
        if isNew { openedQueue.yield(client) }
        return client
    }

    /// Makes the next call open a connection of its own; what is under way on this one may end.
    func giveUp(_ client: Client, of address: String) {
        let isCurrent = state.withLock { state in
            guard state.links[address]?.client === client else { return false }
            state.links[address] = nil
            return true
        }
        if isCurrent { client.beginGracefulShutdown() }
    }

    private static func makeRoom(_ state: inout State) -> Client? {
        guard state.links.count >= clientsMax,
            let stalest = state.links.min(by: { $0.value.lastUse < $1.value.lastUse })?.key
        else { return nil }
        return state.links.removeValue(forKey: stalest)?.client
    }

    /// `host:port`, `[v6]:port`.
    private static func split(_ address: String) -> (host: String, port: Int)? {
        guard let colon = address.lastIndex(of: ":"),
            let port = Int(address[address.index(after: colon)...]), (1...65535).contains(port)
        else { return nil }
        var host = address[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
        return host.isEmpty ? nil : (String(host), port)
    }

    /// What a person needs to know of a failed call.
    static func reason(of error: any Error) -> String {
        switch error {
        case let error as RPCError where error.code == .deadlineExceeded: "did not answer in time"
        case let error as RPCError where error.message.isEmpty: "\(error.code)"
        case let error as RPCError: error.message
        default: "\(error)"
        }
    }
}

// MARK: - Searching

extension PeerLinks {
    enum SearchRecord: Sendable {
        case answer(PeerAnswer)
        case failure(PeerFailure)
    }

    /// Asks one neighbour.
    ///
    /// - Returns: How its answer ended.
    /// - Throws: `RPCError`; what came before was delivered.
    func search(
        at address: String, _ query: Query, asker: PeerURL, alreadyAsked: [PeerURL], limit: Int,
        timeout: Duration, _ deliver: @escaping @Sendable (SearchRecord) async -> Void
    ) async throws -> P2p_V1_End {
        let request = P2p_V1_SearchRequest.with {
            $0.queryID = .init(query.id.bytes)
            $0.text = query.text
            $0.fanout = UInt32(query.fanout)
            $0.ttl = UInt32(query.ttl)
            $0.origin = query.origin.description
            $0.asker = asker.description
            $0.alreadyAsked = alreadyAsked.map(\.description)
            $0.limit = UInt32(limit)
            $0.timeoutMs = UInt32(clamping: Int64(timeout / .milliseconds(1)))
        }
        var options = CallOptions.defaults
        options.timeout = timeout
        let overlay = P2p_V1_Overlay.Client(wrapping: try client(of: address))
        return try await overlay.search(request, options: options) { response in
            for try await reply in response.messages {
                switch reply.kind {
                case .answer(let answer):
                    if let answer = PeerAnswer(answer) { await deliver(.answer(answer)) }
                case .failure(let failure):
                    if let url = PeerURL(wire: failure.url) {
                        await deliver(.failure(PeerFailure(url: url, reason: failure.reason)))
                    }
                case .end(let end):
                    return end
                case nil:
                    continue
                }
            }
            throw RPCError(code: .dataLoss, message: "the answer ended early")
        }
    }
}

extension PeerAnswer {
    /// nil without a usable address: nobody could be asked for its files.
    init?(_ answer: P2p_V1_Answer) {
        guard let peer = PeerAddress(answer.peer) else { return nil }
        self.init(
            peer: peer, files: answer.files.compactMap { FoundFile($0) },
            truncated: answer.truncated)
    }
}
