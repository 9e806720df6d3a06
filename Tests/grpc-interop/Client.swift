import GRPCCore
import GRPCNghttp2
import SwiftProtobuf

/// Calls of the test service.
struct Client: Sendable {
    let grpc: GRPCClient<NghttpClientTransport>

    func unary<Input: Message, Output: Message>(
        _ method: MethodDescriptor, _ message: Marked<Input>, metadata: Metadata = [:],
        options: CallOptions = .defaults
    ) async throws -> (answer: Marked<Output>, response: ClientResponse<Marked<Output>>) {
        try await grpc.unary(
            request: ClientRequest(message: message, metadata: metadata), descriptor: method,
            serializer: MarkedSerializer<Input>(), deserializer: MarkedDeserializer<Output>(),
            options: options
        ) { response in (try response.message, response) }
    }

    func unaryCall(
        _ request: SimpleRequest, isCompressed: Bool = true, options: CallOptions = .defaults
    ) async throws -> Marked<SimpleResponse> {
        try await unary(
            .test("UnaryCall"), Marked(message: request, isCompressed: isCompressed),
            options: options
        ).answer
    }

    func clientStreaming(
        _ requests: [Marked<InputRequest>], options: CallOptions = .defaults
    ) async throws -> InputResponse {
        try await grpc.clientStreaming(
            request: StreamingClientRequest { writer in
                try await writer.write(contentsOf: requests)
            },
            descriptor: .test("StreamingInputCall"), serializer: MarkedSerializer<InputRequest>(),
            deserializer: MarkedDeserializer<InputResponse>(), options: options
        ) { try $0.message.message }
    }

    func serverStreaming(
        _ request: OutputRequest, options: CallOptions = .defaults
    ) async throws -> [Marked<OutputResponse>] {
        try await grpc.serverStreaming(
            request: ClientRequest(message: Marked(message: request)),
            descriptor: .test("StreamingOutputCall"),
            serializer: MarkedSerializer<OutputRequest>(),
            deserializer: MarkedDeserializer<OutputResponse>(), options: options
        ) { response in
            var all: [Marked<OutputResponse>] = []
            for try await message in response.messages { all.append(message) }
            return all
        }
    }

    func fullDuplex<Result: Sendable>(
        metadata: Metadata = [:], options: CallOptions = .defaults,
        writing: @escaping @Sendable (RPCWriter<Marked<OutputRequest>>) async throws -> Void,
        reading:
            @escaping @Sendable (StreamingClientResponse<Marked<OutputResponse>>) async throws ->
            Result
    ) async throws -> Result {
        try await grpc.bidirectionalStreaming(
            request: StreamingClientRequest(metadata: metadata, producer: writing),
            descriptor: .test("FullDuplexCall"), serializer: MarkedSerializer<OutputRequest>(),
            deserializer: MarkedDeserializer<OutputResponse>(), options: options,
            onResponse: reading)
    }
}

extension SimpleRequest {
    init(response: Int32, payload: Int) {
        self.init()
        responseSize = response
        self.payload = .zeros(payload)
    }

    /// What grpc/doc/interop-test-descriptions.md uses most.
    static var large: SimpleRequest { SimpleRequest(response: 314_159, payload: 271_828) }
}

extension OutputRequest {
    init(responses: [Int32], payload: Int = 0) {
        self.init()
        responseParameters = responses.map { size in .with { $0.size = size } }
        self.payload = .zeros(payload)
    }
}

extension Grpc_Testing_Payload {
    static func zeros(_ count: Int) -> Grpc_Testing_Payload {
        .with { $0.body = .init(repeating: 0, count: count) }
    }
}

extension Grpc_Testing_BoolValue {
    static func of(_ value: Bool) -> Grpc_Testing_BoolValue {
        .with { $0.value = value }
    }
}
