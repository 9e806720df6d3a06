import Glibc
import Systemd
import Testing

@testable import PeerDaemon

@Suite("Sockets that the service manager passed")
struct PassedSocketsTests {
    private static func listener() throws -> ListeningSocket {
        try ListeningSocket(key: "rest_port", address: "127.0.0.1", port: 0)
    }

    private static func ports(
        _ rest: Int = 8001, _ grpc: Int = 50051, _ metrics: Int = 9001
    ) -> [PassedSockets.ConfiguredPort] {
        [
            PassedSockets.ConfiguredPort(role: .rest, key: "rest_port", port: rest),
            PassedSockets.ConfiguredPort(role: .grpc, key: "grpc_port", port: grpc),
            PassedSockets.ConfiguredPort(role: .metrics, key: "metrics_port", port: metrics),
        ]
    }

    /// A listening local stream socket, without a name.
    private static func localListener() throws -> CInt {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        try #require(descriptor >= 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        // The family alone: the kernel chooses an abstract name (unix(7), "autobind").
        let bound = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, 2) }
        }
        try #require(bound == 0 && listen(descriptor, 1) == 0)
        return descriptor
    }

    @Test(
        "A name says what a socket is for, whatever its port",
        arguments: ["rest", "grpc", "metrics"])
    func byName(name: String) throws {
        let socket = try Self.listener()
        let passed = try PassedSockets(
            [SocketActivation.Socket(name: name, descriptor: socket.descriptor)],
            ports: Self.ports())
        let role = try #require(PassedSockets.Role(rawValue: name))
        #expect(passed.publicSockets == [role: socket])
        #expect(passed.adminListeners.isEmpty)
        close(socket.descriptor)
    }

    @Test(
        "Sockets of one unit are told apart by their ports",
        arguments: ["public", "p2p-peer.socket"])
    func byPort(name: String) throws {
        let (one, two) = (try Self.listener(), try Self.listener())
        let passed = try PassedSockets(
            [one, two].map { SocketActivation.Socket(name: name, descriptor: $0.descriptor) },
            ports: Self.ports(two.port, 50051, one.port))
        #expect(passed.publicSockets == [.metrics: one, .rest: two])
        close(one.descriptor)
        close(two.descriptor)
    }

    @Test("Admin and read are listeners by these names")
    func admin() throws {
        let passed = try PassedSockets(
            ["read", "admin"].map {
                SocketActivation.Socket(name: $0, descriptor: try Self.localListener())
            }, ports: Self.ports())
        #expect(passed.adminListeners.map(\.name) == ["read", "admin"])
        #expect(passed.publicSockets.isEmpty)
    }

    @Test("Every socket that cannot be placed is told, in a line of its own")
    func faults() throws {
        let (one, two) = (try Self.listener(), try Self.listener())
        let local = try Self.localListener()
        let pairs: [(String, CInt)] = [
            ("rest", one.descriptor), ("rest", two.descriptor), ("public", two.descriptor),
            ("web", two.descriptor), ("grpc", local), ("admin", two.descriptor),
        ]
        let failure = #expect(throws: StartupFailure.self) {
            try PassedSockets(
                pairs.map { SocketActivation.Socket(name: $0.0, descriptor: $0.1) },
                ports: Self.ports())
        }
        #expect(failure?.code == .configuration)
        let lines = failure?.message.split(separator: "\n") ?? []
        #expect(lines.count == 5)
        for (line, words) in zip(
            lines,
            [
                "rest was passed already, with port \(one.port)",
                "port \(two.port) is none of the configuration's (rest_port 8001",
                "none of rest, grpc, metrics, admin, read, public",
                "expected a listening TCP socket", "expected a listening local stream socket",
            ])
        {
            #expect(line.contains(words))
        }
        for descriptor in [one.descriptor, two.descriptor, local] { close(descriptor) }
    }

    @Test("A host reaches its own sockets where they are bound")
    func ownAddress() throws {
        for (address, host) in [("127.0.0.3", "127.0.0.3"), ("::", "127.0.0.1"), ("::1", "[::1]")] {
            let socket = try ListeningSocket(key: "rest_port", address: address, port: 0)
            #expect(socket.ownAddress == "\(host):\(socket.port)")
            close(socket.descriptor)
        }
    }
}
