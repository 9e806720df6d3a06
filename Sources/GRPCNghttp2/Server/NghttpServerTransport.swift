import GRPCCore
import Locking
import NIOCore
import NIOPosix
import NIOSSL

/// A gRPC server transport: NIO sockets, libnghttp2 frames, handlers on the connection's event loop.
///
/// ``bind()`` first: the kernel queues clients from then on. ``listen(streamHandler:)`` runs every handler
/// as a child task, and returns when the transport was shut down and the last connection has ended;
/// cancelling it closes everything at once.
package final class NghttpServerTransport: ServerTransport {
    package typealias Bytes = MessageBytes

    private let group: any EventLoopGroup
    private let configuration: ServerConfiguration
    private let calls: CallQueues
    private let connections: OpenConnections
    private let listeners = Locked<[any Channel]>([])

    package init(group: any EventLoopGroup, configuration: ServerConfiguration) {
        let calls = CallQueues(group: group)
        self.group = group
        self.configuration = configuration
        self.calls = calls
        connections = OpenConnections(limit: configuration.connectionsMax) { calls.finish() }
    }

    /// Connections that are open now.
    package var connectionCount: Int { connections.count }

    /// Binds every listener of the configuration.
    ///
    /// - Returns: The addresses listened on, with the ports that the kernel chose.
    /// - Throws: `IOError` of socket, bind or listen; nothing stays bound then.
    package func bind() async throws -> [SocketAddress] {
        for listener in configuration.listeners {
            do {
                let channel = try await bind(listener)
                listeners.withLock { $0.append(channel) }
            } catch {
                closeListeners()
                throw error
            }
        }
        return listeners.withLock { $0.compactMap(\.localAddress) }
    }

    package func listen(
        streamHandler:
            @escaping @Sendable (RPCStream<Inbound, Outbound>, ServerContext) async -> Void
    ) async throws {
        if listeners.withLock(\.isEmpty) { _ = try await bind() }
        await withTaskCancellationHandler {
            await calls.run(streamHandler)
        } onCancel: {
            closeListeners()
            for channel in connections.end() { channel.close(promise: nil) }
        }
    }

    package func beginGracefulShutdown() {
        let loop = group.any()
        let stopped = takeListeners().map { $0.stopAccepting(handedTo: group) }
        EventLoopFuture.andAllComplete(stopped, on: loop).whenComplete { _ in
            for channel in self.connections.end() {
                channel.pipeline.fireUserInboundEventTriggered(DrainConnection())
            }
        }
    }

    private func takeListeners() -> [any Channel] {
        listeners.withLock { listeners in
            defer { listeners = [] }
            return listeners
        }
    }

    private func closeListeners() {
        for channel in takeListeners() { channel.close(promise: nil) }
    }

    private func bind(_ listener: ServerConfiguration.Listener) async throws -> any Channel {
        let bootstrap = ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: configuration.backlog)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(
                .writeBufferWaterMark, value: .init(low: 64 * 1024, high: 128 * 1024)
            )
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try self.initialize(channel) }
            }
        switch listener {
        case .address(.unixDomainSocket(let address)):
            let path = SocketAddress.unixDomainSocket(address).pathname ?? ""
            return
                try await bootstrap
                .bind(unixDomainSocketPath: path, cleanupExistingSocketFile: true).get()
        case .address(let address):
            return try await bootstrap.bind(to: address).get()
        case .inherited(let descriptor):
            return try await bootstrap.withBoundSocket(descriptor).get()
        }
    }

    private func initialize(_ channel: any Channel) throws {
        guard connections.insert(channel) else {
            channel.close(promise: nil)
            return
        }
        channel.closeFuture.whenComplete { _ in self.connections.remove(channel) }
        guard let security = configuration.security else {
            try addHTTP2(channel)
            return
        }
        try channel.pipeline.syncOperations.addHandlers([
            NIOSSLServerHandler(context: security.context),
            TLSGate(
                security, timeout: TimeAmount(configuration.handshakeTimeout),
                open: { try self.addHTTP2($0) }),
        ])
    }

    private func addHTTP2(_ channel: any Channel) throws {
        let handler = HTTP2ConnectionHandler(
            role: .server, limits: configuration.sessionLimits,
            isPlaintext: configuration.security == nil, keeping: configuration.keeping,
            accept: { connection, id, fields in self.accept(connection, id, fields, channel) },
            onMisconduct: configuration.onMisconduct.map { report in
                { report($0, channel.remoteAddress) }
            })
        try channel.pipeline.syncOperations.addHandler(handler)
    }

    /// Takes a call in, or answers what is none (gRPC over HTTP/2, "Requests").
    private func accept(
        _ connection: HTTP2ConnectionHandler, _ id: Int32, _ fields: [HeaderField],
        _ channel: any Channel
    ) -> any HTTP2Stream {
        let type = MetadataFields.value("content-type", in: fields) ?? ""
        let method = MetadataFields.value(":method", in: fields) ?? ""
        guard method == "POST", type.hasPrefix("application/grpc") else {
            return PlainStream(
                PlainAnswer(
                    method: method, path: MetadataFields.value(":path", in: fields) ?? "",
                    type: type),
                id: id, connection: connection)
        }
        do {
            return call(try CallHead(fields), fields, id, connection, channel)
        } catch {
            let stream = ServerStream(
                id: id, connection: connection, limits: configuration.messageLimits)
            stream.refuse(Status(code: Status.Code(error.code), message: error.message))
            return stream
        }
    }

    private func call(
        _ head: CallHead, _ fields: [HeaderField], _ id: Int32,
        _ connection: HTTP2ConnectionHandler,
        _ channel: any Channel
    ) -> ServerStream {
        let encoding = MessageEncoding(configuration.compression).accepted(by: fields)
        let stream = ServerStream(
            id: id, connection: connection, limits: configuration.messageLimits, head: head,
            encoding: encoding)
        calls.append(
            CallQueues.Call(
                descriptor: head.descriptor,
                stream: NIOLoopBound(stream, eventLoop: channel.eventLoop), inbox: stream.inbox,
                messageBytesMax: configuration.messageBytesMax, encoding: encoding,
                eventLoop: channel.eventLoop,
                remotePeer: channel.remoteAddress?.grpcName ?? "unknown",
                localPeer: channel.localAddress?.grpcName ?? "unknown"))
        return stream
    }
}

extension SocketAddress {
    /// As gRPC names addresses: `ipv4:127.0.0.1:80`, `ipv6:[::1]:80`, `unix:/path`.
    var grpcName: String {
        switch self {
        case .v4: "ipv4:\(ipAddress ?? ""):\(port ?? 0)"
        case .v6: "ipv6:[\(ipAddress ?? "")]:\(port ?? 0)"
        case .unixDomainSocket: "unix:\(pathname ?? "")"
        }
    }
}
