import NIOCore

/// What a client connects to.
package enum ConnectionTarget: Sendable {
    /// A name or an address. All addresses of a name are tried, both families (RFC 8305).
    case host(String, port: Int)
    /// Tried in this order; the next one when one has failed or has not answered for a moment.
    case addresses([SocketAddress])

    /// - Throws: `SocketAddressError` for a path that is too long for a socket.
    package static func unix(path: String) throws -> ConnectionTarget {
        .addresses([try SocketAddress(unixDomainSocketPath: path)])
    }

    /// As `:authority` names it; a Unix socket is "localhost" in all of gRPC.
    var authority: String {
        switch self {
        case .host(let host, let port): Self.authority(host, port)
        case .addresses(let addresses):
            if let first = addresses.first, let host = first.ipAddress {
                Self.authority(host, first.port ?? 0)
            } else {
                "localhost"
            }
        }
    }

    /// The name to prove by a certificate; nil for addresses, which it may name, too.
    var hostname: String? {
        switch self {
        case .host(let host, let port):
            (try? SocketAddress(ipAddress: host, port: port)) == nil ? host : nil
        case .addresses: nil
        }
    }

    /// For people.
    var name: String {
        switch self {
        case .host(let host, let port): Self.authority(host, port)
        case .addresses(let addresses): addresses.map(\.grpcName).joined(separator: ", ")
        }
    }

    private static func authority(_ host: String, _ port: Int) -> String {
        host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }
}
