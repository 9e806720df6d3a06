import ArgumentParser
import GRPCCore
import NIOCore
import NIOPosix

/// A server until its standard input ends. Its first line is the port.
struct Serve: AsyncParsableCommand {
    @Argument var transport: TransportName
    @Option(help: "What bench.File sends.") var file: String
    @Option(help: "Event loops.") var threads = 2

    func run() async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: threads)
        let services: [any RegistrableRPCService] = [
            FileService(file: try BenchFile(path: file)), GeneratedFiles(),
        ]
        switch transport {
        case .nghttp2:
            let transport = try ownServer(group)
            let port = try await transport.bind()[0].port ?? 0
            try await serve(GRPCServer(transport: transport, services: services)) { port }
        case .stock:
            let transport = stockServer(group)
            try await serve(GRPCServer(transport: transport, services: services)) {
                try await transport.listeningAddress.ipv4?.port ?? 0
            }
        }
    }

    private func serve<Transport: ServerTransport>(
        _ server: GRPCServer<Transport>, port: @escaping @Sendable () async throws -> Int
    ) async throws {
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await server.serve() }
            printNow("\(try await port())")
            await endOfInput()
            tasks.cancelAll()
        }
    }
}
