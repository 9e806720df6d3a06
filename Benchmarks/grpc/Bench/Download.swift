import ArgumentParser
import GRPCCore
import PeerWire
import SwiftProtobuf

/// Downloads over connections of their own, side by side.
struct Download: AsyncParsableCommand {
    @Argument var transport: TransportName
    @Option var port: Int
    @Option(help: "Payload bytes of a message of bench.File; 0: the generated service.")
    var messageBytes = 256 << 10
    @Option(help: "Bytes that the generated service is asked for.") var bytes: Int64 = 1 << 31
    @Option var connections = 1
    @Option(help: "Bytes of a call's window; our transport only.") var windowBytes: Int32?
    @Flag(help: "Again and again, until standard input ends.") var endless = false

    func run() async throws {
        if endless {
            let downloads = Task { while !Task.isCancelled { _ = try await downloadOnce() } }
            await endOfInput()
            downloads.cancel()
            // The process ends under its calls: their servers see what they see when a user leaves.
            Self.exit()
        }
        let begin = ContinuousClock.now
        let counts = try await downloadOnce()
        let seconds = (ContinuousClock.now - begin) / .seconds(1)
        let bytes = counts.reduce(0) { $0 + $1.bytes }
        let messages = counts.reduce(0) { $0 + $1.messages }
        print(#"{"bytes": \#(bytes), "messages": \#(messages), "seconds": \#(seconds)}"#)
    }

    private func downloadOnce() async throws -> [(bytes: Int, messages: Int)] {
        let (method, request) = try call()
        return try await withClients(
            transport, port: port, count: connections, windowBytes: windowBytes
        ) { client in
            try await client.download(method, request: request)
        }
    }

    private func call() throws -> (MethodDescriptor, [UInt8]) {
        guard messageBytes == 0 else { return (FileService.method(messageBytes: messageBytes), []) }
        let request = P2p_V1_DownloadRequest.with { $0.length = bytes }
        return (P2p_V1_Files.Method.Download.descriptor, try request.serializedBytes())
    }
}
