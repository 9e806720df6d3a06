import Glibc
import Testing

@testable import Systemd

/// What reads the environment runs in a process of its own: setenv(3) beside other threads'
/// getenv(3) is a race.
@Suite("Notifications, watchdog, sockets and credentials")
struct SupervisionTests {
    @Test("Notifications arrive as the manager expects them")
    func notifications() async {
        await #expect(processExitsWith: .success) {
            let manager = try #require(ManagerSocket())
            setenv("NOTIFY_SOCKET", manager.path, 1)
            let notifier = Notifier()
            #expect(notifier.ready(status: "serving") == .sent)
            #expect(manager.receive() == "READY=1\nSTATUS=serving")
            #expect(notifier.status("indexing 81 %\nREADY=1") == .sent)
            #expect(manager.receive() == "STATUS=indexing 81 % READY=1")
            #expect(notifier.reloading() == .sent)
            let reload = manager.receive().split(separator: "\n")
            #expect(reload.first == "RELOADING=1")
            #expect(reload.last?.hasPrefix("MONOTONIC_USEC=") == true)
            #expect(notifier.stopping() == .sent)
            #expect(manager.receive() == "STOPPING=1")
            #expect(notifier.watchdog() == .sent)
            #expect(manager.receive() == "WATCHDOG=1")
            unlink(manager.path)
            guard case .failed = notifier.watchdog() else {
                fatalError("a socket that is gone was not noticed")
            }
        }
    }

    @Test("Without a manager nothing is sent, watched or passed")
    func unsupervised() async {
        await #expect(processExitsWith: .success) {
            unsetenv("NOTIFY_SOCKET")
            unsetenv("WATCHDOG_USEC")
            unsetenv("LISTEN_PID")
            #expect(Notifier().ready() == .unsupervised)
            #expect(Notifier().watchdogTimeout() == nil)
            let sockets = try SocketActivation.takeSockets()
            #expect(sockets == [])
        }
    }

    @Test("The watchdog's time is the manager's, for this process only")
    func watchdog() async {
        await #expect(processExitsWith: .success) {
            setenv("WATCHDOG_USEC", "30000000", 1)
            #expect(Notifier().watchdogTimeout() == .seconds(30))
            setenv("WATCHDOG_PID", "1", 1)
            #expect(Notifier().watchdogTimeout() == nil)
        }
    }

    @Test("Sockets come with their names, once, and close on exec")
    func sockets() async {
        await #expect(processExitsWith: .success) {
            if fcntl(3, F_GETFD) < 0 { dup2(0, 3) }
            if fcntl(4, F_GETFD) < 0 { dup2(0, 4) }
            setenv("LISTEN_PID", String(getpid()), 1)
            setenv("LISTEN_FDS", "2", 1)
            setenv("LISTEN_FDNAMES", "rest:admin.sock", 1)
            let sockets = try SocketActivation.takeSockets()
            #expect(
                sockets == [
                    .init(name: "rest", descriptor: 3), .init(name: "admin.sock", descriptor: 4),
                ])
            #expect(fcntl(4, F_GETFD) & FD_CLOEXEC != 0)
            let again = try SocketActivation.takeSockets()
            #expect(again == [])
        }
    }

    @Test("A long status is cut between characters")
    func statusBound() {
        let status = Notifier.assignment(status: String(repeating: "€", count: 1000))
        #expect(status.utf8.count <= 7 + Notifier.statusBytesMax)
        #expect(status.hasSuffix("€"))
    }

    @Test("A credential is read whole, within its bound, from its directory only")
    func credentials() throws {
        let directory = "/tmp/p2p-credentials-\(getpid())-\(UInt64.random(in: 0 ... .max))"
        try #require(mkdir(directory, 0o700) == 0)
        defer {
            unlink("\(directory)/token")
            rmdir("\(directory)/sub")
            rmdir(directory)
        }
        mkdir("\(directory)/sub", 0o700)
        let file = open("\(directory)/token", O_WRONLY | O_CREAT, 0o600)
        try #require(write(file, "secret", 6) == 6)
        close(file)

        #expect(Credentials(environment: [:]) == nil)
        let credentials = try #require(
            Credentials(environment: ["CREDENTIALS_DIRECTORY": directory]))
        #expect(try credentials.read("token") == Array("secret".utf8))
        #expect(try credentials.read("token", bytesMax: 6) == Array("secret".utf8))
        #expect(try credentials.read("absent") == nil)
        #expect(throws: Credentials.ReadError.oversized(name: "token", bytesMax: 5)) {
            try credentials.read("token", bytesMax: 5)
        }
        #expect(throws: Credentials.ReadError.notRegularFile("sub")) {
            try credentials.read("sub")
        }
        for name in ["", ".", "..", "../etc/passwd", "a/b"] {
            #expect(throws: Credentials.ReadError.invalidName(name)) {
                try credentials.read(name)
            }
        }
    }
}

/// Stands in for the manager's end of NOTIFY_SOCKET.
struct ManagerSocket {
    let path = "/tmp/p2p-notify-\(getpid()).sock"
    private let descriptor: CInt

    init?() {
        unlink(path)
        descriptor = socket(AF_UNIX, CInt(SOCK_DGRAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let bound = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard bound == 0 else { return nil }
    }

    /// The next datagram; blocks until it is there.
    func receive() -> String {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = recv(descriptor, &buffer, buffer.count, 0)
        return String(decoding: buffer.prefix(max(count, 0)), as: UTF8.self)
    }
}
