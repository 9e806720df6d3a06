import GRPCCore

/// The cases of grpc/doc/interop-test-descriptions.md and of its HTTP/2 counterpart, from the client's
/// side. Each throws ``Unexpected`` when the server, or what is between, did another thing.
enum Cases {
    static let all: [String: @Sendable (Client) async throws -> Void] = [
        "empty_unary": emptyUnary,
        "large_unary": largeUnary,
        "client_streaming": clientStreaming,
        "server_streaming": serverStreaming,
        "ping_pong": pingPong,
        "empty_stream": emptyStream,
        "custom_metadata": customMetadata,
        "status_code_and_message": statusCodeAndMessage,
        "special_status_message": specialStatusMessage,
        "unimplemented_method": unimplementedMethod,
        "unimplemented_service": unimplementedService,
        "cancel_after_begin": cancelAfterBegin,
        "cancel_after_first_response": cancelAfterFirstResponse,
        "timeout_on_sleeping_server": timeoutOnSleepingServer,
        "client_compressed_unary": clientCompressedUnary,
        "server_compressed_unary": serverCompressedUnary,
        "client_compressed_streaming": clientCompressedStreaming,
        "server_compressed_streaming": serverCompressedStreaming,
        "goaway": twoCalls,
        "ping": oneCall,
        "max_streams": manyCalls,
        "failing_call": failingCall,
        "rst_after_header": failingCall,
        "rst_during_data": failingCall,
        "rst_after_data": failingCall,
    ]

    static func emptyUnary(_ client: Client) async throws {
        let (answer, _): (Marked<Empty>, _) = try await client.unary(
            .test("EmptyCall"), Marked(message: Empty()))
        try expectEqual(answer.message, Empty(), "answer")
    }

    static func largeUnary(_ client: Client) async throws {
        try await oneCall(client)
    }

    static func clientStreaming(_ client: Client) async throws {
        let requests = [27182, 8, 1828, 45904].map { size in
            Marked(message: InputRequest.with { $0.payload = .zeros(size) })
        }
        let answer = try await client.clientStreaming(requests)
        try expectEqual(answer.aggregatedPayloadSize, 74922, "sum")
    }

    static func serverStreaming(_ client: Client) async throws {
        let sizes: [Int32] = [31415, 9, 2653, 58979]
        let answers = try await client.serverStreaming(OutputRequest(responses: sizes))
        try expectEqual(answers.map { Int32($0.message.payload.body.count) }, sizes, "sizes")
    }

    static func pingPong(_ client: Client) async throws {
        let pings: [(payload: Int, response: Int32)] = [
            (27182, 31415), (8, 9), (1828, 2653), (45904, 58979),
        ]
        let (answered, answer) = AsyncStream.makeStream(of: Void.self)
        let sizes = try await client.fullDuplex { writer in
            var answers = answered.makeAsyncIterator()
            for ping in pings {
                let request = OutputRequest(responses: [ping.response], payload: ping.payload)
                try await writer.write(Marked(message: request))
                await answers.next()
            }
        } reading: { response in
            var sizes: [Int32] = []
            for try await message in response.messages {
                sizes.append(Int32(message.message.payload.body.count))
                answer.yield()
            }
            return sizes
        }
        try expectEqual(sizes, pings.map(\.response), "sizes")
    }

    static func emptyStream(_ client: Client) async throws {
        let count = try await client.fullDuplex { _ in
        } reading: { response in
            try await response.messages.reduce(0) { count, _ in count + 1 }
        }
        try expectEqual(count, 0, "messages")
    }

    // MARK: - Metadata and status

    private static let initial = "x-grpc-test-echo-initial"
    private static let trailing = "x-grpc-test-echo-trailing-bin"
    private static let sent: Metadata = [
        initial: "test_initial_metadata_value", trailing: .binary([0xab, 0xab, 0xab]),
    ]

    static func customMetadata(_ client: Client) async throws {
        let (_, response): (Marked<SimpleResponse>, _) = try await client.unary(
            .test("UnaryCall"), Marked(message: SimpleRequest.large), metadata: sent)
        try expectEcho(response.metadata, response.trailingMetadata)
        let (leading, trailers) = try await client.fullDuplex(metadata: sent) { writer in
            try await writer.write(
                Marked(message: OutputRequest(responses: [314_159], payload: 271_828)))
        } reading: { response in
            var trailers = Metadata()
            for try await part in try response.accepted.get().bodyParts {
                if case .trailingMetadata(let metadata) = part { trailers = metadata }
            }
            return (response.metadata, trailers)
        }
        try expectEcho(leading, trailers)
    }

    private static func expectEcho(_ leading: Metadata, _ trailers: Metadata) throws {
        try expectEqual(
            Array(leading[stringValues: initial]), ["test_initial_metadata_value"], initial)
        try expectEqual(Array(trailers[binaryValues: trailing]), [[0xab, 0xab, 0xab]], trailing)
    }

    static func statusCodeAndMessage(_ client: Client) async throws {
        let text = "test status message"
        try await expectStatus(.unknown, text) {
            _ = try await client.unaryCall(.with { $0.responseStatus = status(text) })
        }
        try await expectStatus(.unknown, text) {
            try await client.fullDuplex { writer in
                try await writer.write(Marked(message: .with { $0.responseStatus = status(text) }))
            } reading: { response in
                for try await _ in response.messages {}
            }
        }
    }

    static func specialStatusMessage(_ client: Client) async throws {
        let text =
            "\t\ntest with whitespace\r\nand Unicode BMP \u{263a} and non-BMP \u{1f608}\t\n"
        try await expectStatus(.unknown, text) {
            _ = try await client.unaryCall(.with { $0.responseStatus = status(text) })
        }
    }

    private static func status(_ text: String) -> Grpc_Testing_EchoStatus {
        .with {
            $0.code = 2
            $0.message = text
        }
    }

    static func unimplementedMethod(_ client: Client) async throws {
        try await expectUnimplemented(client, .test("UnimplementedCall"))
    }

    static func unimplementedService(_ client: Client) async throws {
        let service = "grpc.testing.UnimplementedService"
        try await expectUnimplemented(
            client,
            MethodDescriptor(fullyQualifiedService: service, method: "UnimplementedCall"))
    }

    private static func expectUnimplemented(
        _ client: Client, _ method: MethodDescriptor
    ) async throws {
        try await expectStatus(.unimplemented) {
            let _: (Marked<Empty>, _) = try await client.unary(method, Marked(message: Empty()))
        }
    }
}
