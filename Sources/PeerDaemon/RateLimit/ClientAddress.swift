import Glibc
import NIOCore

/// Whom a rate limit counts: an IPv4 address, or the /64 of an IPv6 address.
///
/// A host usually has a whole /64 to itself and may use a new address for every connection
/// (RFC 8981), so that counting single addresses would limit nobody.
package struct ClientAddress: Hashable, Sendable {
    private enum Network: Hashable {
        case ipv4(UInt32)
        case ipv6Prefix(UInt64)
        case unknown
    }

    private let network: Network

    private init(_ network: Network) {
        self.network = network
    }

    /// All that come without an address are counted as one: Unix sockets, and tests.
    package static let unknown = ClientAddress(.unknown)

    /// - Parameter text: A numeric address, without port, brackets or zone.
    package init?(_ text: String) {
        var bytes = [UInt8](repeating: 0, count: 16)
        if inet_pton(AF_INET, text, &bytes) == 1 {
            self.init(.ipv4(UInt32(Self.number(bytes[..<4]))))
            return
        }
        guard inet_pton(AF_INET6, text, &bytes) == 1 else { return nil }
        // ::ffff:a.b.c.d is how a dual-stack socket shows an IPv4 client (RFC 4291 §2.5.5.2).
        if Self.number(bytes[..<8]) == 0, Self.number(bytes[8..<12]) == 0xFFFF {
            self.init(.ipv4(UInt32(Self.number(bytes[12...]))))
        } else {
            self.init(.ipv6Prefix(Self.number(bytes[..<8])))
        }
    }

    private static func number(_ bytes: ArraySlice<UInt8>) -> UInt64 {
        bytes.reduce(0) { $0 << 8 | UInt64($1) }
    }

    package init(_ address: SocketAddress?) {
        self = address?.ipAddress.flatMap { ClientAddress($0) } ?? .unknown
    }

    /// - Parameter grpcPeer: `ipv4:192.0.2.1:50051` or `ipv6:[2001:db8::1]:50051`, the form in
    ///   which gRPC names the other side.
    package init(grpcPeer: String) {
        let hostAndPort = grpcPeer.drop { $0 != ":" }.dropFirst()
        let host = hostAndPort.lastIndex(of: ":").map { hostAndPort[..<$0] } ?? hostAndPort
        let bare = host.filter { $0 != "[" && $0 != "]" }
        self = ClientAddress(String(bare)) ?? .unknown
    }
}
