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
            return opened(bootstrap.connect(host: host, port: port))
        case .addresses(let addresses):
            return eventLoop.flatSubmit {
                AddressAttempts(addresses, on: eventLoop) { connect(to: $0) }.run()
            }
        }
    }

    private func connect(to address: SocketAddress) -> EventLoopFuture<any Channel> {
        opened(bootstrap.connect(to: address))
    }

    private var bootstrap: ClientBootstrap {
        ClientBootstrap(group: eventLoop)
            .connectTimeout(TimeAmount(configuration.connectTimeout))
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try initialize(channel) }
            }
    }

    private func initialize(_ channel: any Channel) throws {
        guard let security = configuration.security else {
            try addHTTP2(channel)
            return
        }
        let name = configuration.authority ?? target.hostname
        try channel.pipeline.syncOperations.addHandlers([
            try NIOSSLClientHandler(context: security.context, serverHostname: name),
            TLSGate(
                security, timeout: TimeAmount(configuration.connectTimeout),
                open: { try addHTTP2($0) }),
        ])
    }

    private func addHTTP2(_ channel: any Channel) throws {
        try channel.pipeline.syncOperations.addHandler(
            HTTP2ConnectionHandler(role: .client, limits: configuration.sessionLimits))
    }

    /// Waits for the TLS handshake where there is one.
    private func opened(
        _ channel: EventLoopFuture<any Channel>
    ) -> EventLoopFuture<any Channel> {
        guard configuration.security != nil else { return channel }
        return channel.flatMap { channel in
            do {
                let gate = try channel.pipeline.syncOperations.handler(type: TLSGate.self)
                return gate.whenOpened(on: channel.eventLoop).map { channel }
            } catch {
                return channel.eventLoop.makeFailedFuture(TLSFailure.closed)
            }
        }
    }
}
