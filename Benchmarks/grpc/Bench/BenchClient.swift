import GRPCCore
import GRPCProtobuf
import PeerWire

/// The calls that are measured, over either transport.
protocol BenchClient: Sendable {
    /// - Returns: Bytes of the messages that came.
    func download(_ method: MethodDescriptor, request: [UInt8]) async throws -> (
        bytes: Int, messages: Int
    )
    func stat() async throws
}

extension GRPCClient: BenchClient {
    func download(_ method: MethodDescriptor, request: [UInt8]) async throws -> (
        bytes: Int, messages: Int
    ) {
        try await serverStreaming(
            request: ClientRequest(message: request), descriptor: method,
            serializer: RawSerializer(),
            deserializer: ByteCounter(), options: .defaults
        ) { response in
            var (bytes, messages) = (0, 0)
            for try await count in response.messages {
                bytes += count
                messages += 1
            }
            return (bytes, messages)
        }
    }

    func stat() async throws {
        let reply = try await P2p_V1_Files.Client(wrapping: self).stat(
            .with { $0.path = "some/file" })
        guard reply.file.size == 4711 else {
            throw RPCError(code: .dataLoss, message: "a wrong answer")
        }
    }
}
