import GRPCCore
import NIOCore
import Testing

@testable import GRPCNghttp2

@Suite("A reader that does not read is given up")
struct StallTests {
    @Test("Its stream is reset, and the others of its connection go on")
    func stalledReader() async throws {
        let (events, continuation) = AsyncStream.makeStream(of: Misconduct.self)
        try await withEchoServer {
            $0.conduct.stallLimit = .milliseconds(200)
            $0.onMisconduct = { misconduct, _ in continuation.yield(misconduct) }
        } _: { client, _, transport in
            let error = await #expect(throws: RPCError.self) {
                try await client.serverStreaming(
                    // 13 MB: more than all windows and buffers hold.
                    request: ClientRequest(message: [200]), descriptor: EchoService.count,
                    serializer: BytesCoder(), deserializer: BytesCoder(), options: .defaults
                ) { response in
                    var seen = events.makeAsyncIterator()
                    #expect(await seen.next() == .stalledStream)
                    for try await _ in response.messages {}
                }
            }
            #expect(error?.code == .resourceExhausted)
            let answer = try await client.unary(
                request: ClientRequest(message: [1]), descriptor: EchoService.echo,
                serializer: BytesCoder(), deserializer: BytesCoder(), options: .defaults
            ) { try $0.message }
            #expect(answer == [1])
            #expect(transport.connectionCount == 1)
        }
    }

    @Test("A call in which nobody has anything to say is no stall")
    func quietCall() async throws {
        let (events, continuation) = AsyncStream.makeStream(of: Misconduct.self)
        try await withEchoServer {
            $0.conduct.stallLimit = .milliseconds(100)
            $0.onMisconduct = { misconduct, _ in continuation.yield(misconduct) }
        } _: { client, hangs, _ in
            let quiet = Task {
                _ = try await client.unary(
                    request: ClientRequest(message: [1]), descriptor: EchoService.hang,
                    serializer: BytesCoder(), deserializer: BytesCoder(), options: .defaults
                ) { try $0.message }
            }
            var hanging = hangs.makeAsyncIterator()
            #expect(await hanging.next() == .began)
            // A stalled one beside it, begun later, has its time and is given up.
            await #expect(throws: RPCError.self) {
                try await client.serverStreaming(
                    request: ClientRequest(message: [200]), descriptor: EchoService.count,
                    serializer: BytesCoder(), deserializer: BytesCoder(), options: .defaults
                ) { response in
                    var seen = events.makeAsyncIterator()
                    _ = await seen.next()
                    for try await _ in response.messages {}
                }
            }
            // The quiet one is still there to be cancelled by its caller.
            quiet.cancel()
            #expect(await hanging.next() == .cancelled)
            _ = await quiet.result
            continuation.finish()
            var more = 0
            for await _ in events { more += 1 }
            #expect(more == 0)
        }
    }
}
