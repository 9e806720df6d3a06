import ArgumentParser
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import GRPCNghttp2
import NIOCore
import NIOPosix

/// Which transport a process is.
enum TransportName: String, ExpressibleByArgument, CaseIterable {
    /// Ours.
    case nghttp2
    /// grpc-swift-nio-transport.
    case stock
}

/// As large as the stock transport's own, for both (bytes).
private let stockWindowBytes = 16 << 20

/// A client of the stock transport. Its defaults are 16 KiB frames and a window of 8 MiB; larger ones serve it
/// better, so it gets them.
func stockClient(port: Int, _ group: any EventLoopGroup) throws -> HTTP2ClientTransport.Posix {
    try HTTP2ClientTransport.Posix(
        target: .ipv4(address: "127.0.0.1", port: port), transportSecurity: .plaintext,
        config: .defaults {
            $0.http2.targetWindowSize = stockWindowBytes
            $0.http2.maxFrameSize = 1 << 20
        },
        eventLoopGroup: group)
}

func stockServer(_ group: MultiThreadedEventLoopGroup) -> HTTP2ServerTransport.Posix {
    HTTP2ServerTransport.Posix(
        address: .ipv4(host: "127.0.0.1", port: 0), transportSecurity: .plaintext,
        config: .defaults {
            $0.http2.targetWindowSize = stockWindowBytes
            $0.http2.maxFrameSize = 1 << 20
        },
        eventLoopGroup: group)
}

func ownServer(_ group: MultiThreadedEventLoopGroup) throws -> NghttpServerTransport {
    var configuration = ServerConfiguration(
        listeners: [.address(try SocketAddress(ipAddress: "127.0.0.1", port: 0))])
    configuration.connectionsMax = 4096
    return NghttpServerTransport(group: group, configuration: configuration)
}

/// Runs `body` with clients on a connection each, and where a transport has an executor of its own, there.
///
/// - Parameter windowBytes: What a call of our transport may receive before it is read; nil: its default.
func withClients<Value: Sendable>(
    _ name: TransportName, port: Int, count: Int, windowBytes: Int32? = nil,
    _ body: @Sendable (any BenchClient) async throws -> Value
) async throws -> [Value] {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: min(count, System.coreCount))
    var values: [Value] = []
    switch name {
    case .nghttp2:
        var configuration = ClientConfiguration()
        if let windowBytes { configuration.streamWindowBytes = windowBytes }
        let transports = (0..<count).map { _ in
            NghttpClientTransport(
                host: "127.0.0.1", port: port, eventLoop: group.next(), configuration: configuration
            )
        }
        values = try await run(transports, body) { $0.taskExecutor }
    case .stock:
        let transports = try (0..<count).map { _ in try stockClient(port: port, group) }
        values = try await run(transports, body) { _ in nil }
    }
    try await group.shutdownGracefully()
    return values
}

private func run<Value: Sendable, Transport: ClientTransport>(
    _ transports: [Transport], _ body: @Sendable (any BenchClient) async throws -> Value,
    _ executor: (Transport) -> (any TaskExecutor)?
) async throws -> [Value] {
    let clients = transports.map { GRPCClient(transport: $0) }
    return try await withoutActuallyEscaping(body) { body in
        try await withThrowingTaskGroup(of: Void.self) { connections in
            for client in clients { connections.addTask { try await client.runConnections() } }
            let values = try await withThrowingTaskGroup(of: Value.self) { calls in
                for (client, transport) in zip(clients, transports) {
                    calls.addTask(executorPreference: executor(transport)) {
                        try await body(client)
                    }
                }
                return try await calls.reduce(into: []) { $0.append($1) }
            }
            for client in clients { client.beginGracefulShutdown() }
            try await connections.waitForAll()
            return values
        }
    }
}
