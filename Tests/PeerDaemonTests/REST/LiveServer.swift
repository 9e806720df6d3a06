import Glibc
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
import Testing

@testable import PeerDaemon

/// Runs the REST face on a port of its own for as long as `body` runs.
enum LiveServer {
    static func run(
        _ face: RESTFace, host: String = "127.0.0.1",
        _ body: @escaping @Sendable (_ port: Int) async throws -> Void
    ) async throws {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let socket = try ListeningSocket(key: "rest_port", address: host, port: 0)
        let listener = HTTPListener(
            socket: socket, responder: RESTResponder(face: face),
            channelConfiguration: RESTFace.channelConfiguration(), logger: logger)
        let group = ServiceGroup(services: [listener], logger: logger)
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            try await body(socket.port)
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
        }
    }
}

/// A TCP connection on which a test sends what no client library would. It blocks threads of its
/// own: the server needs those of the tests.
final class RawClient: Sendable {
    private static let threads: NIOThreadPool = {
        let threads = NIOThreadPool(numberOfThreads: 16)
        threads.start()
        return threads
    }()

    private let descriptor: Int32

    init(port: Int) throws {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        self.descriptor = descriptor
        // A struct timeval: a test may fail, but not hang.
        let timeout = [15, 0]
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, timeout, socklen_t(16))
        let connected = try SocketAddress(ipAddress: "127.0.0.1", port: port)
            .withSockAddr { address, size in connect(descriptor, address, socklen_t(size)) }
        try #require(connected == 0)
    }

    deinit {
        close(descriptor)
    }

    func send(_ text: String) async throws {
        let (bytes, descriptor) = (Array(text.utf8), descriptor)
        let sent = try await Self.threads.runIfActive {
            Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL))
        }
        try #require(sent == bytes.count)
    }

    /// - Returns: Bytes that came; 0 at the end, also when the other side broke it off.
    func receive() async throws -> Int {
        try await receiveBytes().count
    }

    /// All until the other side closes.
    func receiveAll() async throws -> String {
        var text: [UInt8] = []
        while case let bytes = try await receiveBytes(), !bytes.isEmpty { text += bytes }
        return String(decoding: text, as: UTF8.self)
    }

    private func receiveBytes() async throws -> [UInt8] {
        let descriptor = descriptor
        return try await Self.threads.runIfActive {
            var bytes = [UInt8](repeating: 0, count: 64 * 1024)
            let count = recv(descriptor, &bytes, bytes.count, 0)
            return Array(bytes.prefix(max(0, count)))
        }
    }
}
