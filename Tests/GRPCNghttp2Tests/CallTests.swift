import GRPCCore
import NIOCore
import NIOPosix
import Testing

@testable import GRPCNghttp2

@Suite("Calls between our client and our server")
struct CallTests {
    @Test("Messages, metadata and trailers go both ways")
    func echo() async throws {
        try await withEchoServer { client, _, _ in
            let messages: [[UInt8]] = [[], [1], [UInt8](repeating: 7, count: 300_000)]
            try await client.bidirectionalStreaming(
                request: StreamingClientRequest(
                    metadata: ["key": "value", "key-bin": .binary([0, 255])]
                ) { writer in
                    try await writer.write(contentsOf: messages)
                },
                descriptor: EchoService.echo, serializer: BytesCoder(), deserializer: BytesCoder(),
                options: .defaults
            ) { response in
                let contents = try response.accepted.get()
                #expect(Array(contents.metadata[stringValues: "key"]) == ["value"])
                #expect(Array(contents.metadata[binaryValues: "key-bin"]) == [[0, 255]])
                var received: [[UInt8]] = []
                for try await part in contents.bodyParts {
                    switch part {
                    case .message(let message): received.append(message)
                    case .trailingMetadata(let trailers):
                        #expect(Array(trailers[stringValues: "trailer"]) == ["t"])
                    }
                }
                #expect(received == messages)
            }
        }
    }

    @Test("A handler's error arrives with its code, text and metadata")
    func failure() async throws {
        try await withEchoServer { client, _, _ in
            let error = await #expect(throws: RPCError.self) {
                try await client.unary(
                    request: ClientRequest(message: [1]), descriptor: EchoService.fail,
                    serializer: BytesCoder(), deserializer: BytesCoder(), options: .defaults
                ) { try $0.message }
            }
            #expect(error?.code == .notFound)
            #expect(error?.message == "ñ not here %")
            #expect(error.map { Array($0.metadata[stringValues: "why"]) } == ["test"])
        }
    }

    @Test("A method that nobody registered is UNIMPLEMENTED")
    func unknownMethod() async throws {
        try await withEchoServer { client, _, _ in
            let error = await #expect(throws: RPCError.self) {
                try await client.unary(
                    request: ClientRequest(message: [1]),
                    descriptor: MethodDescriptor(fullyQualifiedService: "test.None", method: "X"),
                    serializer: BytesCoder(), deserializer: BytesCoder(), options: .defaults
                ) { try $0.message }
            }
            #expect(error?.code == .unimplemented)
        }
    }

    @Test("More than every window and outbox holds arrives in order")
    func bulk() async throws {
        try await withEchoServer { client, _, _ in
            let total = try await client.serverStreaming(
                request: ClientRequest(message: [200]), descriptor: EchoService.count,
                serializer: BytesCoder(), deserializer: BytesCoder(), options: .defaults
            ) { response in
                var count = 0
                for try await message in response.messages {
                    #expect(message.count == 65536 && message.first == UInt8(count))
                    count += 1
                }
                return count
            }
            #expect(total == 200)
        }
    }

    @Test("A hundred calls at once share one connection")
    func concurrency() async throws {
        try await withEchoServer { client, _, transport in
            try await withThrowingTaskGroup(of: [UInt8].self) { group in
                for number in 0..<250 {
                    group.addTask {
                        try await client.unary(
                            request: ClientRequest(message: [UInt8(number)]),
                            descriptor: EchoService.echo, serializer: BytesCoder(),
                            deserializer: BytesCoder(), options: .defaults
                        ) { try $0.message }
                    }
                }
                var sum = 0
                for try await answer in group { sum += Int(answer[0]) }
                #expect(sum == (0..<250).reduce(0, +))
            }
            #expect(transport.connectionCount == 1)
        }
    }

    @Test("A caller that gives up cancels the handler")
    func cancellation() async throws {
        try await withEchoServer { client, hangs, _ in
            let call = Task { try await hang(client, .defaults) }
            var events = hangs.makeAsyncIterator()
            #expect(await events.next() == .began)
            call.cancel()
            #expect(await events.next() == .cancelled)
            _ = await call.result
        }
    }

    @Test("A deadline ends the call, whether or not it has reached the handler")
    func deadline() async throws {
        try await withEchoServer { client, _, _ in
            var options = CallOptions.defaults
            options.timeout = .milliseconds(50)
            let error = await #expect(throws: RPCError.self) { try await hang(client, options) }
            #expect(error?.code == .deadlineExceeded)
        }
    }

    private func hang(
        _ client: GRPCClient<NghttpClientTransport>, _ options: CallOptions
    ) async throws {
        _ = try await client.unary(
            request: ClientRequest(message: [1]), descriptor: EchoService.hang,
            serializer: BytesCoder(), deserializer: BytesCoder(), options: options
        ) { try $0.message }
    }

    @Test("A message over the limit is refused, the connection lives on")
    func messageLimit() async throws {
        try await withEchoServer {
            $0.messageBytesMax = 1000
        } _: { client, _, _ in
            for size in [1000, 1001] {
                let result = await Result {
                    try await client.unary(
                        request: ClientRequest(message: [UInt8](repeating: 1, count: size)),
                        descriptor: EchoService.echo, serializer: BytesCoder(),
                        deserializer: BytesCoder(), options: .defaults
                    ) { try $0.message.count }
                }
                switch result {
                case .success(let count): #expect(count == size && size == 1000)
                case .failure(let error):
                    #expect((error as? RPCError)?.code == .resourceExhausted && size == 1001)
                }
            }
        }
    }

    @Test("Without a server a call is UNAVAILABLE at once and names the address")
    func noServer() async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        // tcpmux: a port that was free a moment ago may be another test's by now.
        let port = 1
        let transport = NghttpClientTransport(
            host: "127.0.0.1", port: port, eventLoop: group.next())
        let error = await #expect(throws: RPCError.self) {
            try await transport.withStream(descriptor: EchoService.echo, options: .defaults) {
                _, _ in
            }
        }
        #expect(error?.code == .unavailable)
        #expect(error?.message.contains("127.0.0.1:\(port)") == true)
        transport.beginGracefulShutdown()
        try await group.shutdownGracefully()
    }
}

extension Result where Failure == any Error {
    init(_ body: () async throws -> Success) async {
        do { self = .success(try await body()) } catch { self = .failure(error) }
    }
}
