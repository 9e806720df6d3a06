import GRPCCore

/// Messages that are compressed one by one.
extension Cases {
    private static var gzip: CallOptions {
        var options = CallOptions.defaults
        options.compression = .gzip
        return options
    }

    static func clientCompressedUnary(_ client: Client) async throws {
        // Whether the server looks at all.
        try await expectStatus(.invalidArgument) {
            _ = try await client.unaryCall(
                request(expectsCompressed: true), isCompressed: false, options: gzip)
        }
        for isCompressed in [true, false] {
            let answer = try await client.unaryCall(
                request(expectsCompressed: isCompressed), isCompressed: isCompressed, options: gzip)
            try expectEqual(answer.message.payload.body.count, 314_159, "answer")
        }
    }

    private static func request(expectsCompressed: Bool) -> SimpleRequest {
        var request = SimpleRequest.large
        request.expectCompressed = .of(expectsCompressed)
        return request
    }

    static func serverCompressedUnary(_ client: Client) async throws {
        for isCompressed in [true, false] {
            var request = SimpleRequest.large
            request.responseCompressed = .of(isCompressed)
            let answer = try await client.unaryCall(request)
            try expectEqual(answer.isCompressed, isCompressed, "the answer is compressed")
            try expectEqual(answer.message.payload.body.count, 314_159, "answer")
        }
    }

    static func clientCompressedStreaming(_ client: Client) async throws {
        try await expectStatus(.invalidArgument) {
            _ = try await client.clientStreaming(
                [part(27182, expectsCompressed: true, isCompressed: false)], options: gzip)
        }
        let answer = try await client.clientStreaming(
            [
                part(27182, expectsCompressed: true, isCompressed: true),
                part(45904, expectsCompressed: false, isCompressed: false),
            ], options: gzip)
        try expectEqual(answer.aggregatedPayloadSize, 73086, "sum")
    }

    private static func part(
        _ size: Int, expectsCompressed: Bool, isCompressed: Bool
    ) -> Marked<InputRequest> {
        let message = InputRequest.with {
            $0.payload = .zeros(size)
            $0.expectCompressed = .of(expectsCompressed)
        }
        return Marked(message: message, isCompressed: isCompressed)
    }

    static func serverCompressedStreaming(_ client: Client) async throws {
        var request = OutputRequest(responses: [31415, 92653])
        request.responseParameters[0].compressed = .of(true)
        request.responseParameters[1].compressed = .of(false)
        let answers = try await client.serverStreaming(request)
        try expectEqual(answers.map(\.isCompressed), [true, false], "the answers are compressed")
        try expectEqual(answers.map(\.message.payload.body.count), [31415, 92653], "sizes")
    }
}
