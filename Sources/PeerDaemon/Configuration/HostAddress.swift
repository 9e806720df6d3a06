import Glibc
import NIOCore

/// Finds the address by which others most likely reach this host, without sending a packet.
///
/// The kernel is asked, not /proc/net/route: a service with ProcSubset=pid does not see that file.
enum HostAddress {
    /// Of no host on earth (RFC 5737 §3, RFC 3849 §2), so only the default route leads there.
    private static let remote = ["192.0.2.1", "2001:db8::1"]

    /// The source address of the default route, IPv4 first; without one the first address of an
    /// interface that means anything to others.
    ///
    /// - Returns: Nil where there is nothing but loopback and link-local addresses.
    static func current() -> String? {
        for destination in remote {
            if let address = source(towards: destination), isUsable(address) { return address }
        }
        return preferred(among: assigned())
    }

    /// Which of a host's addresses, in the order of its interfaces, to tell others: IPv4 first.
    static func preferred(among addresses: [String]) -> String? {
        let usable = addresses.filter(isUsable)
        return usable.first { !$0.contains(":") } ?? usable.first
    }

    /// Link-local addresses mean nothing without an interface.
    static func isUsable(_ address: String) -> Bool {
        let useless = ["127.", "169.254.", "0.", "fe8", "fe9", "fea", "feb"]
        return !useless.contains { address.hasPrefix($0) } && address != "::" && address != "::1"
    }

    private static func assigned() -> [String] {
        do {
            return try System.enumerateDevices().compactMap { $0.address?.ipAddress }
        } catch {
            // A sandbox without AF_NETLINK: as good as a host without addresses.
            return []
        }
    }

    /// The address that a datagram to `destination` would come from: connect(2) of a datagram socket
    /// looks up the route and sends nothing.
    private static func source(towards destination: String) -> String? {
        let remote: SocketAddress
        do {
            remote = try SocketAddress(ipAddress: destination, port: 9)
        } catch {
            preconditionFailure("\(destination) is an address: \(error)")
        }
        let family = destination.contains(":") ? AF_INET6 : AF_INET
        let descriptor = socket(family, CInt(SOCK_DGRAM.rawValue) | O_CLOEXEC, 0)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        let isRouted = remote.withSockAddr { address, size in
            connect(descriptor, address, socklen_t(size)) == 0
        }
        return isRouted ? localAddress(of: descriptor) : nil
    }

    private static func localAddress(of descriptor: CInt) -> String? {
        var storage = sockaddr_storage()
        return withUnsafeMutablePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
                guard getsockname(descriptor, address, &size) == 0 else { return nil }
                return numeric(address, size)
            }
        }
    }

    static func numeric(_ address: UnsafePointer<sockaddr>, _ size: socklen_t) -> String? {
        var buffer = [CChar](repeating: 0, count: Int(NI_MAXHOST))
        let result = getnameinfo(
            address, size, &buffer, socklen_t(buffer.count), nil, 0, NI_NUMERICHOST)
        guard result == 0 else { return nil }
        return String(
            decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
