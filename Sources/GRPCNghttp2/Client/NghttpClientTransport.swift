import GRPCCore
import Locking
import NIOCore
import NIOPosix

/// A gRPC client transport: one connection to one server, opened by the first call and again when lost.
///
/// A call fails with UNAVAILABLE when there is no connection within the connect timeout; nothing waits
/// for a server to come back, for callers here have other servers to ask.
package final class NghttpClientTransport: ClientTransport {
    package typealias Bytes = MessageBytes

    private enum State {
        case idle
        case connecting(EventLoopFuture<Connection>)
        case ready(Connection)
        case shutDown
    }

    private struct Connection: Sendable {
        let channel: any Channel
        let handler: NIOLoopBound<HTTP2ConnectionHandler>
    }

    private let host: String
    private let port: Int
    private let eventLoop: any EventLoop
    private let configuration: ClientConfiguration
    private let state = Locked(State.idle)
    private let ended: EventLoopPromise<Void>

    package let retryThrottle: RetryThrottle? = nil

    package init(
        host: String, port: Int, eventLoop: any EventLoop,
        configuration: ClientConfiguration = ClientConfiguration()
    ) {
        self.host = host
        self.port = port
        self.eventLoop = eventLoop
        self.configuration = configuration
        ended = eventLoop.makePromise()
    }

    deinit {
        switch state.withLock({ $0 }) {
        case .shutDown: break
        case .idle, .connecting, .ready: ended.succeed()
        }
    }

    /// Returns when the transport was shut down and its connection has ended.
    package func connect() async throws {
        try await withTaskCancellationHandler {
            try await ended.futureResult.get()
        } onCancel: {
            shutDown { $0.channel.close(promise: nil) }
        }
    }

    package func beginGracefulShutdown() {
        shutDown { $0.channel.pipeline.fireUserInboundEventTriggered(DrainConnection()) }
    }

    package func config(forMethod descriptor: MethodDescriptor) -> MethodConfig? { nil }

    package func withStream<T: Sendable>(
        descriptor: MethodDescriptor, options: CallOptions,
        _ closure: (RPCStream<Inbound, Outbound>, ClientContext) async throws -> T
    ) async throws -> T {
        let connection = try await connection()
        let stream = try await makeStream(on: connection, descriptor).get()
        defer { eventLoop.execute { stream.bound.value.abandon() } }
        let writer = StreamWriter(eventLoop: eventLoop, stream: stream.bound)
        writer.credit(from: stream.inbox)
        let context = ClientContext(
            descriptor: descriptor,
            remotePeer: connection.channel.remoteAddress?.grpcName ?? "unknown",
            localPeer: connection.channel.localAddress?.grpcName ?? "unknown")
        return try await closure(
            RPCStream(
                descriptor: descriptor, inbound: RPCAsyncSequence(wrapping: stream.inbox),
                outbound: RPCWriter.Closable(wrapping: writer)),
            context)
    }

    // MARK: - Streams

    private struct OpenedStream: Sendable {
        let bound: NIOLoopBound<ClientStream>
        let inbox: Inbox<RPCResponsePart<MessageBytes>>
    }

    private func makeStream(
        on connection: Connection, _ descriptor: MethodDescriptor
    ) -> EventLoopFuture<OpenedStream> {
        let authority = host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        let fields = [
            HeaderField(":method", "POST"), HeaderField(":scheme", "http"),
            HeaderField(":path", "/\(descriptor.fullyQualifiedMethod)"),
            HeaderField(":authority", authority), HeaderField("te", "trailers"),
            MetadataFields.contentType, HeaderField("user-agent", "grpc-swift-nghttp2"),
        ]
        let (eventLoop, messageBytesMax) = (eventLoop, configuration.messageBytesMax)
        return eventLoop.submit {
            let stream = ClientStream(
                connection: connection.handler.value, requestFields: fields,
                messageBytesMax: messageBytesMax)
            return OpenedStream(
                bound: NIOLoopBound(stream, eventLoop: eventLoop), inbox: stream.inbox)
        }
    }

    // MARK: - Connection

    private func connection() async throws -> Connection {
        let future = try state.withLock { state throws(RPCError) -> EventLoopFuture<Connection> in
            switch state {
            case .ready(let connection):
                return eventLoop.makeSucceededFuture(connection)
            case .connecting(let future):
                return future
            case .idle:
                let future = openConnection()
                state = .connecting(future)
                return future
            case .shutDown:
                throw RPCError(code: .unavailable, message: "the client is shut down")
            }
        }
        do {
            return try await future.get()
        } catch {
            let reason = ConnectionFailure.reason(of: error)
            throw RPCError(
                code: .unavailable, message: "cannot connect to \(host):\(port): \(reason)",
                cause: error)
        }
    }

    private func openConnection() -> EventLoopFuture<Connection> {
        let limits = configuration.sessionLimits
        let eventLoop = eventLoop
        let bootstrap = ClientBootstrap(group: eventLoop)
            .connectTimeout(TimeAmount(configuration.connectTimeout))
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(
                        HTTP2ConnectionHandler(role: .client, limits: limits))
                }
            }
        let opened = connect(bootstrap).flatMapThrowing { channel in
            let handler = try channel.pipeline.syncOperations.handler(
                type: HTTP2ConnectionHandler.self)
            return Connection(
                channel: channel, handler: NIOLoopBound(handler, eventLoop: eventLoop))
        }
        opened.whenComplete { self.connected($0) }
        return opened
    }

    /// An address does not wait behind the names that NIO looks up, one after the other.
    private func connect(_ bootstrap: ClientBootstrap) -> EventLoopFuture<any Channel> {
        do {
            return bootstrap.connect(to: try SocketAddress(ipAddress: host, port: port))
        } catch {
            return bootstrap.connect(host: host, port: port)
        }
    }

    private func connected(_ result: Result<Connection, any Error>) {
        let isWanted = state.withLock { state in
            guard case .connecting = state else { return false }
            switch result {
            case .success(let connection): state = .ready(connection)
            case .failure: state = .idle
            }
            return true
        }
        guard case .success(let connection) = result else { return }
        if isWanted {
            connection.handler.value.onUnusable = { [weak self] in self?.lost(connection.channel) }
            connection.channel.closeFuture.whenComplete { [weak self] _ in
                self?.lost(connection.channel)
            }
        } else {
            connection.channel.close(promise: nil)
        }
    }

    /// The next call opens a new connection; those under way on the old one go on.
    private func lost(_ channel: any Channel) {
        state.withLock { state in
            if case .ready(let current) = state, current.channel === channel { state = .idle }
        }
    }

    private func shutDown(_ end: (Connection) -> Void) {
        let old = state.withLock { state in
            defer { state = .shutDown }
            return state
        }
        switch old {
        case .ready(let connection):
            connection.channel.closeFuture.whenComplete { _ in self.ended.succeed() }
            end(connection)
        case .idle, .connecting, .shutDown:
            ended.succeed()
        }
    }
}
