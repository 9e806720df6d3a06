import GRPCCore
import SwiftProtobuf

/// `grpc.testing.TestService`, as grpc/doc/interop-test-descriptions.md has it ("Server").
///
/// Registered by hand and not by generated code, which would not tell a compressed message from another.
struct TestService: RegistrableRPCService {
    private static let echoInitial = "x-grpc-test-echo-initial"
    private static let echoTrailing = "x-grpc-test-echo-trailing-bin"

    func registerMethods<Transport: ServerTransport>(with router: inout RPCRouter<Transport>) {
        register(router: &router, "EmptyCall", Self.empty)
        register(router: &router, "UnaryCall", Self.unary)
        register(router: &router, "StreamingInputCall", Self.streamingInput)
        register(router: &router, "StreamingOutputCall", Self.fullDuplex)
        register(router: &router, "FullDuplexCall", Self.fullDuplex)
        register(router: &router, "HalfDuplexCall", Self.halfDuplex)
        // UnimplementedCall stays what its name says.
    }

    private typealias Requests<Input: Message> = RPCAsyncSequence<Marked<Input>, any Error>
    private typealias Answers<Output: Message> = RPCWriter<Marked<Output>>

    private func register<Transport: ServerTransport, Input: Message, Output: Message>(
        router: inout RPCRouter<Transport>, _ method: String,
        _ body:
            @escaping @Sendable (
                Requests<Input>, Answers<Output>
            ) async throws -> Void
    ) {
        router.registerHandler(
            forMethod: .test(method), deserializer: MarkedDeserializer<Input>(),
            serializer: MarkedSerializer<Output>()
        ) { request, _ in
            var initial = Metadata()
            for value in request.metadata[stringValues: Self.echoInitial] {
                initial.addString(value, forKey: Self.echoInitial)
            }
            var trailing = Metadata()
            for value in request.metadata[binaryValues: Self.echoTrailing] {
                trailing.addBinary(value, forKey: Self.echoTrailing)
            }
            return StreamingServerResponse(metadata: initial) { [trailing] writer in
                do {
                    try await body(request.messages, writer)
                } catch let error as RPCError {
                    throw RPCError(code: error.code, message: error.message, metadata: trailing)
                }
                return trailing
            }
        }
    }

    // MARK: - The methods

    private static func empty(_ requests: Requests<Empty>, _ answers: Answers<Empty>) async throws {
        for try await _ in requests { try await answers.write(Marked(message: Empty())) }
    }

    private static func unary(
        _ requests: Requests<SimpleRequest>, _ answers: Answers<SimpleResponse>
    ) async throws {
        for try await request in requests {
            let wanted = request.message
            try check(wanted.hasExpectCompressed, wanted.expectCompressed, request.isCompressed)
            try fail(wanted.hasResponseStatus, wanted.responseStatus)
            try await answers.write(
                Marked(
                    message: .with { $0.payload = payload(wanted.responseSize) },
                    isCompressed: wanted.responseCompressed.value))
        }
    }

    private static func streamingInput(
        _ requests: Requests<InputRequest>, _ answers: Answers<InputResponse>
    ) async throws {
        var bytes = 0
        for try await request in requests {
            let wanted = request.message
            try check(wanted.hasExpectCompressed, wanted.expectCompressed, request.isCompressed)
            bytes += wanted.payload.body.count
        }
        let sum = Int32(bytes)
        try await answers.write(Marked(message: .with { $0.aggregatedPayloadSize = sum }))
    }

    private static func fullDuplex(
        _ requests: Requests<OutputRequest>, _ answers: Answers<OutputResponse>
    ) async throws {
        for try await request in requests { try await answer(request.message, answers) }
    }

    private static func halfDuplex(
        _ requests: Requests<OutputRequest>, _ answers: Answers<OutputResponse>
    ) async throws {
        var all: [OutputRequest] = []
        for try await request in requests { all.append(request.message) }
        for request in all { try await answer(request, answers) }
    }

    private static func answer(
        _ request: OutputRequest, _ answers: Answers<OutputResponse>
    ) async throws {
        try fail(request.hasResponseStatus, request.responseStatus)
        for wanted in request.responseParameters {
            if wanted.intervalUs > 0 {
                try await Task.sleep(for: .microseconds(Int64(wanted.intervalUs)))
            }
            try await answers.write(
                Marked(
                    message: .with { $0.payload = payload(wanted.size) },
                    isCompressed: wanted.compressed.value))
        }
    }

    // MARK: - What a request asks for

    private static func check(
        _ isAsked: Bool, _ expected: Grpc_Testing_BoolValue, _ isCompressed: Bool
    ) throws {
        guard isAsked, expected.value != isCompressed else { return }
        throw RPCError(
            code: .invalidArgument,
            message: "message compressed: \(isCompressed), expected: \(expected.value)")
    }

    private static func fail(_ isAsked: Bool, _ status: Grpc_Testing_EchoStatus) throws {
        guard isAsked, let code = Status.Code(rawValue: Int(status.code)),
            let error = RPCError(status: Status(code: code, message: status.message))
        else { return }
        throw error
    }

    private static func payload(_ count: Int32) -> Grpc_Testing_Payload {
        .with { $0.body = .init(repeating: 0, count: Int(count)) }
    }
}
