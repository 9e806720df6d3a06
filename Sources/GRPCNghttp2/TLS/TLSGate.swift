import NIOCore
import NIOSSL
import NIOTLS

/// Holds a connection back until its TLS handshake is done and both sides have agreed on HTTP/2.
///
/// Sits behind the TLS handler, adds what comes next when all is well, and leaves the pipeline.
final class TLSGate: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer

    private let checkPeer: TransportSecurity.PeerCheck?
    private let timeout: TimeAmount
    private let open: (any Channel) throws -> Void
    private let opened: EventLoopPromise<Void>?
    private var failure: (any Error)?
    private var timer: Scheduled<Void>?

    /// - Parameters:
    ///   - opened: Completed in any case: when the connection is open for HTTP/2, or never will be.
    ///   - open: Adds the handlers of an HTTP/2 connection to the channel.
    init(
        _ security: TransportSecurity, timeout: TimeAmount, opened: EventLoopPromise<Void>? = nil,
        open: @escaping (any Channel) throws -> Void
    ) {
        checkPeer = security.checkPeer
        self.timeout = timeout
        self.opened = opened
        self.open = open
    }

    func handlerAdded(context: ChannelHandlerContext) {
        timer = context.eventLoop.assumeIsolated().scheduleTask(in: timeout) {
            self.fail(TLSFailure.timeout, context)
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case .handshakeCompleted(let negotiated) = event as? TLSUserEvent else {
            context.fireUserInboundEventTriggered(event)
            return
        }
        do {
            guard negotiated == "h2" else { throw TLSFailure.noHTTP2 }
            if let checkPeer {
                let handler = try context.pipeline.syncOperations.handler(type: NIOSSLHandler.self)
                try checkPeer(try handler.peerCertificate?.toDERBytes())
            }
            try open(context.channel)
            opened?.succeed()
            context.pipeline.syncOperations.removeHandler(self, promise: nil)
        } catch {
            fail(error, context)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        fail(error, context)
    }

    func channelInactive(context: ChannelHandlerContext) {
        fail(TLSFailure.closed, context)
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        timer?.cancel()
        timer = nil
        // After a success this says nothing any more.
        opened?.fail(failure ?? TLSFailure.closed)
    }

    /// The first failure is the reason.
    private func fail(_ error: any Error, _ context: ChannelHandlerContext) {
        guard failure == nil else { return }
        failure = error
        opened?.fail(error)
        context.close(promise: nil)
    }
}

/// Why a connection with TLS was given up, besides what the TLS library says.
enum TLSFailure: Error, CustomStringConvertible {
    case noHTTP2
    case timeout
    case closed

    var description: String {
        switch self {
        case .noHTTP2: "the other side does not speak HTTP/2 (ALPN h2)"
        case .timeout: "the TLS handshake took too long"
        case .closed: "the other side closed the connection in the TLS handshake"
        }
    }
}
