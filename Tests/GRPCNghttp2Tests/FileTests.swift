import GRPCCore
import Glibc
import Locking
import NIOCore
import NIOPosix
import SystemPackage
import Testing

@testable import GRPCNghttp2

@Suite("Files that are sent as messages")
struct FileTests {
    @Test(
        "A file arrives as it is, whatever the messages and the client's frames",
        arguments: [1, 64 << 10, 300_000, 1 << 20], [UInt32(16_384), 300_000, 4 << 20])
    func whole(messageBytes: Int, frameBytes: UInt32) async throws {
        let seed = UInt64.random(in: 0 ... .max)
        print("files: seed \(seed)")
        let file = try ServedFile(bytes: messageBytes == 1 ? 1000 : 5_000_003, seed: seed)
        try await withFileServer(file, messageBytes: messageBytes, frameBytes: frameBytes) {
            client in
            let received = Locked(ByteBuffer())
            try await forEachMessage(of: client) { message in
                received.withLock { whole in
                    for piece in message.pieces { whole.writeImmutableBuffer(piece) }
                }
            }
            #expect(received.withLock { $0 } == file.content())
        }
    }

    @Test(
        "A file that becomes shorter while it is sent never looks whole",
        arguments: [64 << 10, 1 << 20], [UInt32(16_384), 4 << 20])
    func shrinking(messageBytes: Int, frameBytes: UInt32) async throws {
        for _ in 0..<25 {
            let file = try ServedFile(bytes: 32 << 20, seed: 0)
            try await withFileServer(file, messageBytes: messageBytes, frameBytes: frameBytes) {
                client in
                let messages = Locked(0)
                let error = await #expect(throws: RPCError.self) {
                    try await forEachMessage(of: client) { message in
                        #expect(message.count == messageBytes)
                        let number = messages.withLock { count in
                            count += 1
                            return count
                        }
                        if number == 3 { try file.truncate(to: 1000) }
                    }
                }
                #expect(error?.code == .aborted || error?.code == .unavailable, "\(error as Any)")
            }
        }
    }
}

/// A file without a name, filled from a seed.
private final class ServedFile: OpenFileDescriptor {
    let descriptor: SystemPackage.FileDescriptor
    let size: Int

    init(bytes: Int, seed: UInt64) throws {
        let path = FilePath("/tmp/grpc-nghttp2-\(UInt64.random(in: 0 ... .max))")
        descriptor = try SystemPackage.FileDescriptor.open(
            path, .readWrite, options: [.create, .exclusiveCreate], permissions: .ownerReadWrite)
        unlink(path.string)
        size = bytes
        var state = seed
        var words: [UInt64] = []
        words.reserveCapacity(bytes / 8 + 1)
        for _ in 0...(bytes / 8) {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            words.append(state)
        }
        try words.withUnsafeBytes { _ = try descriptor.writeAll($0.prefix(bytes)) }
    }

    deinit {
        do { try descriptor.close() } catch { Issue.record(error) }
    }

    func content() -> ByteBuffer {
        var whole = ByteBuffer()
        FileSlice(file: self, offset: 0, count: size).readAll(into: &whole)
        return whole
    }

    func truncate(to bytes: Int) throws {
        try descriptor.resize(to: Int64(bytes), retryOnInterrupt: true)
    }
}

private struct PassThrough: MessageSerializer, MessageDeserializer {
    func serialize<Bytes: GRPCContiguousBytes>(_ message: MessageBytes) -> Bytes {
        guard let own = message as? Bytes else { preconditionFailure("another transport") }
        return own
    }

    func deserialize<Bytes: GRPCContiguousBytes>(_ bytes: Bytes) -> MessageBytes {
        guard let own = bytes as? MessageBytes else { preconditionFailure("another transport") }
        return own
    }
}

private struct FileService: RegistrableRPCService {
    static let method = MethodDescriptor(fullyQualifiedService: "test.Files", method: "Get")

    let file: ServedFile
    let messageBytes: Int

    func registerMethods<Transport: ServerTransport>(with router: inout RPCRouter<Transport>) {
        router.registerHandler(
            forMethod: Self.method, deserializer: PassThrough(), serializer: PassThrough()
        ) { _, _ in
            StreamingServerResponse { writer in
                for offset in stride(from: 0, to: file.size, by: messageBytes) {
                    let count = min(messageBytes, file.size - offset)
                    let slice = FileSlice(file: file, offset: Int64(offset), count: count)
                    try await writer.write(MessageBytes(head: [], tail: slice))
                }
                return [:]
            }
        }
    }
}

/// Runs `body` with every message of a call for the whole file.
private func forEachMessage(
    of client: GRPCClient<NghttpClientTransport>,
    _ body: @escaping @Sendable (MessageBytes) throws -> Void
) async throws {
    try await client.serverStreaming(
        request: ClientRequest(message: MessageBytes(ByteBuffer())),
        descriptor: FileService.method, serializer: PassThrough(), deserializer: PassThrough(),
        options: .defaults
    ) { response in
        for try await message in response.messages { try body(message) }
    }
}

private func withFileServer(
    _ file: ServedFile, messageBytes: Int, frameBytes: UInt32,
    _ body: @Sendable (GRPCClient<NghttpClientTransport>) async throws -> Void
) async throws {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 2)
    let transport = NghttpServerTransport(
        group: group,
        configuration: ServerConfiguration(
            listeners: [.address(try SocketAddress(ipAddress: "127.0.0.1", port: 0))]))
    let port = try await transport.bind()[0].port ?? 0
    let server = GRPCServer(
        transport: transport, services: [FileService(file: file, messageBytes: messageBytes)])
    var configuration = ClientConfiguration()
    configuration.frameBytesMax = frameBytes
    let client = GRPCClient(
        transport: NghttpClientTransport(
            host: "127.0.0.1", port: port, eventLoop: group.next(), configuration: configuration))
    try await withThrowingTaskGroup(of: Void.self) { tasks in
        tasks.addTask { try await server.serve() }
        tasks.addTask { try await client.runConnections() }
        try await body(client)
        client.beginGracefulShutdown()
        server.beginGracefulShutdown()
        try await tasks.waitForAll()
    }
    try await group.shutdownGracefully()
}
