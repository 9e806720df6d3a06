import Locking
import NIOCore
import NIOPosix
import NIOSSL

/// A connection that is ready for calls.
struct ClientConnection: Sendable {
    let channel: any Channel
    let handler: NIOLoopBound<HTTP2ConnectionHandler>
}

/// Makes connections to one target.
struct ClientConnector: Sendable {
    let target: ConnectionTarget
    let eventLoop: any EventLoop
    let configuration: ClientConfiguration
    /// Doubled for each time that a server found the keepalive too frequent.
    var keepaliveFactor = 1

    /// One attempt: all addresses of the target, and TLS where it is asked for.
    func connect() -> EventLoopFuture<ClientConnection> {
        let eventLoop = eventLoop
        return connected().flatMapThrowing { channel in
            let handler = try channel.pipeline.syncOperations.handler(
                type: HTTP2ConnectionHandler.self)
            return ClientConnection(
                channel: channel, handler: NIOLoopBound(handler, eventLoop: eventLoop))
        }
    }

    private func connected() -> EventLoopFuture<any Channel> {
        switch target {
        case .host(let host, let port):
            // An address does not wait behind the names that NIO looks up, one after the other.
            if let address = try? SocketAddress(ipAddress: host, port: port) {
                return connect(to: address)
            }
            return opened { $0.connect(host: host, port: port) }
        case .addresses(let addresses):
            return eventLoop.flatSubmit {
                AddressAttempts(addresses, on: eventLoop) { connect(to: $0) }.run()
            }
        }
    }

    private func connect(to address: SocketAddress) -> EventLoopFuture<any Channel> {
        opened { $0.connect(to: address) }
    }

    /// Connects, and waits for the TLS handshake where there is one.
    private func opened(
        _ connect: (ClientBootstrap) -> EventLoopFuture<any Channel>
    ) -> EventLoopFuture<any Channel> {
        let handshakes = Handshakes()
        let bootstrap = ClientBootstrap(group: eventLoop)
            .connectTimeout(TimeAmount(configuration.connectTimeout))
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            // Downloads fill what they are given: with the default, 64 KiB, they take four times the calls.
            .channelOption(
                .recvAllocator,
                value: AdaptiveRecvByteBufferAllocator(
                    minimum: 1024, initial: 2048, maximum: 256 * 1024)
            )
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try initialize(channel, handshakes) }
            }
        return connect(bootstrap).flatMap { channel in
            handshakes.of(channel).map { channel }
        }
    }

    private func initialize(_ channel: any Channel, _ handshakes: Handshakes) throws {
        guard let security = configuration.security else {
            try addHTTP2(channel)
            return
        }
        let name = configuration.authority ?? target.hostname
        try channel.pipeline.syncOperations.addHandlers([
            try NIOSSLClientHandler(context: security.context, serverHostname: name),
            TLSGate(
                security, timeout: TimeAmount(configuration.connectTimeout),
                opened: handshakes.begin(channel), open: { try addHTTP2($0) }),
        ])
    }

    private func addHTTP2(_ channel: any Channel) throws {
        try channel.pipeline.syncOperations.addHandler(
            HTTP2ConnectionHandler(
                role: .client, limits: configuration.sessionLimits,
                isPlaintext: configuration.security == nil,
                keeping: ConnectionKeeper.Settings(keepalive: keepalive)))
    }

    private var keepalive: KeepaliveSettings? {
        var keepalive = configuration.keepalive
        keepalive?.time *= keepaliveFactor
        return keepalive
    }
}

/// The TLS handshakes of one attempt: a name has several addresses, each with a channel of its own.
private final class Handshakes: Sendable {
    private let futures = Locked<[ObjectIdentifier: EventLoopFuture<Void>]>([:])

    func begin(_ channel: any Channel) -> EventLoopPromise<Void> {
        let promise = channel.eventLoop.makePromise(of: Void.self)
        futures.withLock { $0[ObjectIdentifier(channel)] = promise.futureResult }
        return promise
    }

    /// Of a channel without TLS there is nothing to wait for.
    func of(_ channel: any Channel) -> EventLoopFuture<Void> {
        futures.withLock { $0[ObjectIdentifier(channel)] }
            ?? channel.eventLoop.makeSucceededVoidFuture()
    }
}
