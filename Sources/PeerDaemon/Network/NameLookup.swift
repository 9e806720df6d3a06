import Glibc
import NIOPosix
import Overlay

/// Looks up all addresses of a name as this host does: /etc/hosts, DNS, whatever nsswitch.conf says.
///
/// getaddrinfo(3) blocks and cannot be interrupted, so it has a thread of NIO's pool; whoever is cancelled
/// leaves it behind.
enum NameLookup {
    /// Addresses of one name that are looked at; a DNS answer over UDP holds fewer.
    static let addressesMax = 256

    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    /// The same URL once for each address of its host.
    static func urls(of url: PeerURL) async throws -> [PeerURL] {
        let (results, continuation) = AsyncStream.makeStream(of: Result<[String], Failure>.self)
        NIOThreadPool.singleton.submit { state in
            if case .active = state { continuation.yield(addresses(of: url.host)) }
            continuation.finish()
        }
        for await result in results {
            return try result.get().prefix(addressesMax).compactMap { address in
                PeerURL(
                    wire: "http://\(address.contains(":") ? "[\(address)]" : address):\(url.port)")
            }
        }
        throw CancellationError()
    }

    /// Numeric addresses, each once; blocks.
    private static func addresses(of host: String) -> Result<[String], Failure> {
        var hints = addrinfo()
        hints.ai_family = AF_UNSPEC
        hints.ai_socktype = CInt(SOCK_STREAM.rawValue)
        // Not AI_ADDRCONFIG: whether a family works here is found out by trying.
        var list: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(host, nil, &hints, &list)
        guard code == 0 else {
            return .failure(Failure(description: String(cString: gai_strerror(code))))
        }
        defer { freeaddrinfo(list) }
        var found: [String] = []
        var next = list
        while let entry = next {
            next = entry.pointee.ai_next
            guard let address = entry.pointee.ai_addr,
                let text = HostAddress.numeric(address, entry.pointee.ai_addrlen),
                !found.contains(text)
            else { continue }
            found.append(text)
        }
        return .success(found)
    }
}
