import GRPCNghttp2
import Hummingbird
import HummingbirdCore
import LogMessages
import Logging
import NIOCore
import NIOExtras
import NIOHTTP1
import NIOPosix
import ServiceLifecycle

/// Serves an HTTP/1.1 responder on a socket that is listening already.
///
/// Hummingbird's own server binds when it runs; ours must know its port before that (a configured 0)
/// and may be given its socket by systemd, so this is such a server for a bound socket.
struct HTTPListener<Responder: HTTPResponder>: Service
where Responder.Context: InitializableFromSource<ApplicationRequestContextSource> {
    let socket: ListeningSocket
    let responder: Responder
    /// Time limits and header limits of its connections.
    let channelConfiguration: HTTP1Channel.Configuration
    let logger: Logger
    var group: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton
    /// Connections at once; the next ones wait in the kernel's queue.
    var connectionsMax = 1024

    /// Returns after a graceful shutdown, when the requests under way have been answered.
    func run() async throws {
        let quiescing = ServerQuiescingHelper(group: group)
        let http = HTTP1Channel(
            responder: { request, writer, channel in
                try await respond(to: request, writer, channel)
            }, configuration: channelConfiguration)
        // Holds no more than connectionsMax.
        let (accepted, continuation) = AsyncStream.makeStream(of: HTTP1Channel.Value.self)
        let server = try await bind(quiescing) { channel in
            http.setup(channel: channel, logger: logger).map { _ = continuation.yield($0) }
        }
        server.closeFuture.whenComplete { _ in continuation.finish() }
        await withGracefulShutdownHandler {
            await withDiscardingTaskGroup { connections in
                for await connection in accepted {
                    let executor = EventLoopTaskExecutor(connection.channel.eventLoop)
                    connections.addTask(executorPreference: executor) {
                        await http.handle(value: connection, logger: logger)
                    }
                }
                // The loop ends by a cancellation, too.
                server.close(promise: nil)
            }
        } onGracefulShutdown: {
            server.stopAccepting(handedTo: group).whenComplete { _ in
                quiescing.initiateShutdown(promise: nil)
            }
        }
    }

    private func bind(
        _ quiescing: ServerQuiescingHelper,
        initialize: @escaping @Sendable (any Channel) -> EventLoopFuture<Void>
    ) async throws -> any Channel {
        try await ServerBootstrap(group: group)
            .serverChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandlers([
                        AvailableConnectionsChannelHandler(maxConnections: connectionsMax),
                        quiescing.makeServerChannelHandler(channel: channel),
                    ])
                }
            }
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(FirstAnswerHandler())
                }.flatMap { initialize(channel) }
            }
            .withBoundSocket(socket.descriptor).get()
    }

    private func respond(
        to request: Request, _ writer: consuming ResponseWriter, _ channel: any Channel
    ) async throws {
        let context = Responder.Context(source: .init(channel: channel, logger: logger))
        let response: Response
        do {
            response = try await responder.respond(to: request, context: context)
        } catch let error as HTTPParserError {
            throw error
        } catch {
            logger.report(.requestFailed, ["error": "\(error)"])
            response = Response(status: .internalServerError)
        }
        try await writer.write(response: response.head, body: response.body)
    }
}
