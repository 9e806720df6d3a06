import CLinux
import Glibc

/// A listening TCP socket: clients are queued by the kernel from here on, whoever serves them later.
///
/// Whoever serves it owns the descriptor then.
struct ListeningSocket: Equatable, Sendable {
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

    /// A socket that somebody else made; nil when it is no listening TCP socket.
    init?(inherited descriptor: CInt) {
        guard clinux_is_tcp_listener(descriptor) == 1 else { return nil }
        self.descriptor = descriptor
        port = Int(clinux_local_port(descriptor))
    }

    /// `HOST:PORT` under which this host reaches it.
    var ownAddress: String {
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        let isKnown = clinux_local_address(descriptor, &text, text.count) == 0
        let bytes = text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
        let address = isKnown ? String(decoding: bytes, as: UTF8.self) : "::"
        switch address {
        // Not localhost: a small host may have nothing that resolves it.
        case "::": return clinux_is_v6_only(descriptor) == 1 ? "[::1]:\(port)" : "127.0.0.1:\(port)"
        case "0.0.0.0": return "127.0.0.1:\(port)"
        default: return address.contains(":") ? "[\(address)]:\(port)" : "\(address):\(port)"
        }
    }
}
