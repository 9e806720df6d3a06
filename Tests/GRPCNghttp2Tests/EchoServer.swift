import GRPCCore
import NIOCore
import NIOPosix

@testable import GRPCNghttp2

/// Passes messages through as they are.
struct BytesCoder: MessageSerializer, MessageDeserializer {
    func serialize<Bytes: GRPCContiguousBytes>(_ message: [UInt8]) -> Bytes {
        Bytes(message)
    }

    func deserialize<Bytes: GRPCContiguousBytes>(_ bytes: Bytes) -> [UInt8] {
        bytes.withUnsafeBytes(Array.init)
    }
}

/// Methods for every kind of call, without generated code.
struct EchoService: RegistrableRPCService {
    static let echo = MethodDescriptor(fullyQualifiedService: "test.Echo", method: "Echo")
    static let fail = MethodDescriptor(fullyQualifiedService: "test.Echo", method: "Fail")
    static let count = MethodDescriptor(fullyQualifiedService: "test.Echo", method: "Count")
    static let hang = MethodDescriptor(fullyQualifiedService: "test.Echo", method: "Hang")

    /// What becomes of `Hang` calls.
    enum Hang {
        case began
        case cancelled
    }

    let hangs: AsyncStream<Hang>.Continuation

    func registerMethods<Transport: ServerTransport>(with router: inout RPCRouter<Transport>) {
        router.registerHandler(
            forMethod: Self.echo, deserializer: BytesCoder(), serializer: BytesCoder()
        ) { request, _ in
            StreamingServerResponse(metadata: request.metadata) { writer in
                for try await message in request.messages { try await writer.write(message) }
                return ["trailer": "t"]
            }
        }
        router.registerHandler(
            forMethod: Self.fail, deserializer: BytesCoder(), serializer: BytesCoder()
        ) { _, _ in
            throw RPCError(code: .notFound, message: "ñ not here %", metadata: ["why": "test"])
        }
        // The request's first byte says how many messages of 64 KiB to send.
        router.registerHandler(
            forMethod: Self.count, deserializer: BytesCoder(), serializer: BytesCoder()
        ) { request, _ in
            StreamingServerResponse { writer in
                for try await message in request.messages {
                    for number in 0..<(message.first ?? 0) {
                        try await writer.write([UInt8](repeating: number, count: 65536))
                    }
                }
                return [:]
            }
        }
        router.registerHandler(
            forMethod: Self.hang, deserializer: BytesCoder(), serializer: BytesCoder()
        ) { _, context in
            hangs.yield(.began)
            defer { hangs.yield(.cancelled) }
            try await context.cancellation.cancelled
            throw RPCError(code: .cancelled, message: "cancelled")
        }
    }
}

/// Runs `body` with a client of a real server on loopback; both have ended when it returns.
func withEchoServer<Result: Sendable>(
    configure: (inout ServerConfiguration) -> Void = { _ in },
    _ body:
        @Sendable (
            GRPCClient<NghttpClientTransport>, AsyncStream<EchoService.Hang>, NghttpServerTransport
        )
        async throws -> Result
) async throws -> Result {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 2)
    var configuration = ServerConfiguration(
        listeners: [.address(try SocketAddress(ipAddress: "127.0.0.1", port: 0))])
    configure(&configuration)
    let transport = NghttpServerTransport(group: group, configuration: configuration)
    let port = try await transport.bind()[0].port ?? 0
    let (hangs, continuation) = AsyncStream.makeStream(of: EchoService.Hang.self)
    let server = GRPCServer(transport: transport, services: [EchoService(hangs: continuation)])
    let client = GRPCClient(
        transport: NghttpClientTransport(host: "127.0.0.1", port: port, eventLoop: group.next()))
    let result = try await withThrowingTaskGroup(of: Void.self) { tasks in
        tasks.addTask { try await server.serve() }
        tasks.addTask { try await client.runConnections() }
        let result = try await body(client, hangs, transport)
        client.beginGracefulShutdown()
        server.beginGracefulShutdown()
        try await tasks.waitForAll()
        return result
    }
    try await group.shutdownGracefully()
    return result
}
