import GRPCCore

/// grpc/doc/negative-http2-interop-test-descriptions.md: the server does the odd thing.
extension Cases {
    static func oneCall(_ client: Client) async throws {
        let answer = try await client.unaryCall(.large)
        try expectEqual(answer.message.payload.body.count, 314_159, "answer")
    }

    static func twoCalls(_ client: Client) async throws {
        try await oneCall(client)
        try await oneCall(client)
    }

    static func manyCalls(_ client: Client) async throws {
        // After one call the server's settings are known.
        try await oneCall(client)
        try await withThrowingTaskGroup { calls in
            for _ in 0..<10 { calls.addTask { try await oneCall(client) } }
            try await calls.waitForAll()
        }
    }

    static func failingCall(_ client: Client) async throws {
        do {
            try await oneCall(client)
        } catch is RPCError {
            return
        }
        throw Unexpected(description: "the call succeeded")
    }
}
