import ArgumentParser
import GRPCCore
import GRPCNghttp2
import NIOCore
import NIOPosix
import SystemPackage
import UnixSignals

/// Both sides of gRPC's interoperability tests on our transport.
@main
struct Interop: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "grpc-interop", subcommands: [ServerCommand.self, ClientCommand.self])
}

struct Certificates: ParsableArguments {
    @Option(help: "PEM file of this side's certificate")
    var certificate: String?
    @Option(help: "PEM file of its key")
    var key: String?
    @Option(help: "PEM file of the authority that the other side's certificate must be of")
    var ca: String?
}

struct ServerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "server", abstract: "Serves grpc.testing.TestService until SIGTERM.")

    @Option var port = 0
    @Option(help: "A Unix socket instead of a port")
    var unix: String?
    @Option(help: "Clients' certificates: ignored, optional or required")
    var clients = "ignored"
    @OptionGroup var certificates: Certificates
    @Option(help: "Milliseconds of silence before a PING, and again before the end")
    var keepalive: Int?
    @Option(help: "Milliseconds between a client's PINGs at least")
    var pings: Int?
    @Option(help: "Milliseconds that a connection may be without calls")
    var idle: Int?
    @Option(help: "Milliseconds that a connection may live, and its calls after that")
    var age: Int?
    @Option var grace: Int?

    func run() async throws {
        let group = MultiThreadedEventLoopGroup.singleton
        let address =
            try unix.map { try SocketAddress(unixDomainSocketPath: $0) }
            ?? SocketAddress(ipAddress: "127.0.0.1", port: port)
        var configuration = ServerConfiguration(listeners: [.address(address)])
        configuration.security = try security()
        configuration.compression = .gzip
        keep(&configuration)
        let transport = NghttpServerTransport(group: group, configuration: configuration)
        let server = GRPCServer(transport: transport, services: [TestService()])
        // Before anybody knows the port, and may end this.
        let signals = await UnixSignalsSequence(trapping: .sigterm)
        let bound = try await transport.bind()
        try say("port \(bound[0].port ?? 0)")
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await server.serve() }
            tasks.addTask {
                for await _ in signals { server.beginGracefulShutdown() }
            }
            try await tasks.next()
            tasks.cancelAll()
        }
    }

    private func keep(_ configuration: inout ServerConfiguration) {
        if let keepalive {
            configuration.keepalive = KeepaliveSettings(
                time: .milliseconds(keepalive), timeout: .milliseconds(keepalive),
                withoutCalls: true)
        }
        if let pings { configuration.permittedPings.intervalMin = .milliseconds(pings) }
        configuration.connectionIdleMax = idle.map { .milliseconds($0) }
        configuration.connectionAge = age.map { age in
            ConnectionAge(maximum: .milliseconds(age), grace: grace.map { .milliseconds($0) })
        }
    }

    private func security() throws -> TransportSecurity? {
        guard let certificate = certificates.certificate, let key = certificates.key else {
            return nil
        }
        let asked: [String: TransportSecurity.ClientCertificates] = [
            "ignored": .ignored, "optional": .optional, "required": .required,
        ]
        return try .server(
            certificates: .file(certificate), key: .file(key),
            clientCertificates: asked[clients] ?? .required,
            trustRoots: certificates.ca.map { .file($0) })
    }
}

struct ClientCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "client", abstract: "Runs one case against a server.")

    @Argument(help: "The case, as grpc/doc/interop-test-descriptions.md names it")
    var testCase: String
    @Option var host = "127.0.0.1"
    @Option var port = 0
    @Option(help: "A Unix socket instead of a port")
    var unix: String?
    @OptionGroup var certificates: Certificates
    @Option(help: "Milliseconds of silence before a PING, and again before the end")
    var keepalive: Int?

    func run() async throws {
        guard let test = Cases.all[testCase] else {
            throw ValidationError("no case is named \(testCase)")
        }
        var configuration = ClientConfiguration()
        if let ca = certificates.ca {
            configuration.security = try .client(
                trustRoots: .file(ca), certificates: certificates.certificate.map { .file($0) },
                key: certificates.key.map { .file($0) })
        }
        configuration.keepalive = keepalive.map {
            KeepaliveSettings(time: .milliseconds($0), timeout: .milliseconds($0))
        }
        let target =
            try unix.map { try ConnectionTarget.unix(path: $0) }
            ?? .host(host, port: port)
        let transport = NghttpClientTransport(
            target: target, eventLoop: MultiThreadedEventLoopGroup.singleton.any(),
            configuration: configuration)
        let client = GRPCClient(transport: transport)
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await client.runConnections() }
            try await test(Client(grpc: client))
            client.beginGracefulShutdown()
            try await tasks.waitForAll()
        }
        try say("passed \(testCase)")
    }
}

/// At once, also to a pipe.
private func say(_ line: String) throws {
    try FileDescriptor.standardOutput.writeAll("\(line)\n".utf8)
}
