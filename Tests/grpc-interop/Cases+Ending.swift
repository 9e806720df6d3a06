import GRPCCore

/// Calls that are given up, by the caller or by its clock.
extension Cases {
    static func cancelAfterBegin(_ client: Client) async throws {
        let (began, begin) = AsyncStream.makeStream(of: Void.self)
        let call = Task {
            try await client.grpc.clientStreaming(
                request: StreamingClientRequest { _ in
                    begin.yield()
                    // Until the cancellation.
                    try await Task.sleep(for: .seconds(60))
                },
                descriptor: .test("StreamingInputCall"),
                serializer: MarkedSerializer<InputRequest>(),
                deserializer: MarkedDeserializer<InputResponse>(), options: .defaults
            ) { _ = try $0.message }
        }
        var events = began.makeAsyncIterator()
        await events.next()
        call.cancel()
        try await expectStatus(.cancelled) { try await call.value }
    }

    static func cancelAfterFirstResponse(_ client: Client) async throws {
        let (received, receive) = AsyncStream.makeStream(of: Void.self)
        let call = Task {
            try await client.fullDuplex { writer in
                try await writer.write(
                    Marked(message: OutputRequest(responses: [31415], payload: 27182)))
                try await Task.sleep(for: .seconds(60))
            } reading: { response in
                for try await _ in response.messages { receive.yield() }
            }
        }
        var events = received.makeAsyncIterator()
        await events.next()
        call.cancel()
        try await expectStatus(.cancelled) { try await call.value }
    }

    static func timeoutOnSleepingServer(_ client: Client) async throws {
        var options = CallOptions.defaults
        options.timeout = .milliseconds(1)
        try await expectStatus(.deadlineExceeded) {
            try await client.fullDuplex(options: options) { writer in
                try await writer.write(
                    Marked(message: OutputRequest(responses: [], payload: 27182)))
                try await Task.sleep(for: .seconds(60))
            } reading: { response in
                for try await _ in response.messages {}
            }
        }
    }
}
