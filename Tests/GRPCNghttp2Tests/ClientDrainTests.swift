import NIOCore
import NIOEmbedded
import Testing

@testable import GRPCNghttp2

@Suite("The end of a client's connection")
struct ClientDrainTests {
    @Test("It says GOAWAY at once, and waits for no answer to a notice")
    func drain() throws {
        let handler = HTTP2ConnectionHandler(
            role: .client, limits: ClientConfiguration().sessionLimits, isPlaintext: false)
        let channel = EmbeddedChannel(handler: handler)
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        var preface = try #require(try channel.readOutbound(as: ByteBuffer.self))
        preface.moveReaderIndex(forwardBy: 24)
        #expect(frameTypes(preface).first == 4)

        channel.pipeline.fireUserInboundEventTriggered(DrainConnection())
        // No time passes.
        channel.embeddedEventLoop.run()
        let end = try #require(try channel.readOutbound(as: ByteBuffer.self))
        #expect(frameTypes(end) == [7])
        _ = try? channel.finish()
    }

    /// RFC 9113 §4.1 and §11.2: 4 is SETTINGS, 7 GOAWAY.
    private func frameTypes(_ bytes: ByteBuffer) -> [UInt8] {
        var (bytes, types) = (bytes, [UInt8]())
        while let head = bytes.readBytes(length: 9) {
            types.append(head[3])
            let length = head[..<3].reduce(0) { $0 << 8 | Int($1) }
            bytes.moveReaderIndex(forwardBy: length)
        }
        return types
    }
}
