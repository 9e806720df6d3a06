import CLinux
import Glibc

/// A listening TCP socket: clients are queued by the kernel from here on, whoever serves them later.
///
/// Whoever serves it owns the descriptor then.
struct ListeningSocket: Sendable {
    let descriptor: CInt
    /// Also when 0 was asked for.
    let port: Int

    /// Connections that wait to be accepted; the kernel caps it at net.core.somaxconn.
    static let backlog: CInt = 1024

    /// - Parameters:
    ///   - key: The configuration key that names the port, for the message.
    ///   - address: Numeric. `::` is every address of both families, and falls back to `0.0.0.0` on a
    ///     host without IPv6.
    init(key: String, address: String, port: Int) throws(StartupFailure) {
        var descriptor = clinux_tcp_listen(address, UInt16(clamping: port), Self.backlog)
        if descriptor == -EAFNOSUPPORT, address == "::" {
            descriptor = clinux_tcp_listen("0.0.0.0", UInt16(clamping: port), Self.backlog)
        }
        guard descriptor >= 0 else {
            if descriptor == -EADDRINUSE {
                throw .portInUse(key: key, address: address, port: port)
            }
            throw .system("\(key): port \(port) on \(address) cannot be bound", errno: -descriptor)
        }
        self.descriptor = descriptor
        self.port = Int(clinux_local_port(descriptor))
    }
}
