/// Why a text is not the REST base URL of a peer.
package enum PeerURLError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Neither `http://` nor `https://` in front.
    case schemeUnsupported(String)
    /// No host, or one with bytes that no host name or address has.
    case hostInvalid(String)
    /// Not a number in 1...65535.
    case portInvalid(String)
    /// A path, query, fragment or user: a base URL has none.
    case partNotAllowed(String)
    /// Longer than ``PeerURL/bytesMax`` bytes.
    case tooLong(bytes: Int)

    package var description: String {
        switch self {
        case .schemeUnsupported(let text): "\"\(text)\" does not begin with http:// or https://"
        case .hostInvalid(let text): "\"\(text)\" has no valid host"
        case .portInvalid(let text): "\"\(text)\" is not a port in 1...65535"
        case .partNotAllowed(let text):
            "\"\(text)\" may hold only scheme, host and port, as in http://host:8001"
        case .tooLong(let bytes): "\(bytes) bytes are too long, at most \(PeerURL.bytesMax)"
        }
    }
}

/// The REST base URL under which a peer is reached, in one spelling: scheme and host in lower
/// case, no trailing slash, the port left out where it is the scheme's own.
///
/// Example: `HTTP://Host-1:8001/` and `http://host-1:8001` are the same peer.
package struct PeerURL: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// A DNS name is at most 253 bytes (RFC 1035 §2.3.4), plus scheme and port.
    package static let bytesMax = 270

    /// The normal spelling; alone decides equality and order.
    package let description: String
    package let isSecure: Bool
    /// A name or an address; an IPv6 address without its brackets.
    package let host: String
    package let port: Int

    /// - Throws: ``PeerURLError``, the writer's fault.
    package init(_ text: some StringProtocol) throws(PeerURLError) {
        guard text.utf8.count <= Self.bytesMax else {
            throw .tooLong(bytes: text.utf8.count)
        }
        let lower = text.lowercased()
        let rest: Substring
        if lower.hasPrefix("http://") {
            (isSecure, rest) = (false, lower.dropFirst(7))
        } else if lower.hasPrefix("https://") {
            (isSecure, rest) = (true, lower.dropFirst(8))
        } else {
            throw .schemeUnsupported(String(text))
        }
        let authority = rest.hasSuffix("/") ? rest.dropLast() : rest
        guard !authority.contains(where: { "/?#@\\".contains($0) }) else {
            throw .partNotAllowed(String(text))
        }
        let (hostText, portText) = Self.split(authority)
        guard Self.isHost(hostText) else { throw .hostInvalid(String(text)) }
        let ownPort = isSecure ? 443 : 80
        guard let number = portText.map(Self.parsePort) ?? ownPort else {
            throw .portInvalid(String(text))
        }
        port = number
        host = String(hostText.first == "[" ? hostText.dropFirst().dropLast() : hostText)
        description =
            (isSecure ? "https://" : "http://") + hostText + (port == ownPort ? "" : ":\(port)")
    }

    package static func == (left: PeerURL, right: PeerURL) -> Bool {
        left.description == right.description
    }

    package static func < (left: PeerURL, right: PeerURL) -> Bool {
        left.description < right.description
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(description)
    }

    /// `host:port` and `[address]:port`; the colons of an address are inside its brackets.
    private static func split(_ authority: Substring) -> (host: Substring, port: Substring?) {
        guard let colon = authority.lastIndex(of: ":"),
            !authority[colon...].contains("]")
        else { return (authority, nil) }
        return (authority[..<colon], authority[authority.index(after: colon)...])
    }

    private static func parsePort(_ text: Substring) -> Int? {
        guard text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return Int(text).flatMap { (1...65535).contains($0) ? $0 : nil }
    }

    private static func isHost(_ text: Substring) -> Bool {
        if text.first == "[" {
            let address = text.dropFirst().dropLast()
            return text.last == "]" && address.contains(":")
                && address.allSatisfy { $0.isHexDigit || $0 == ":" || $0 == "." }
        }
        return !text.isEmpty
            && text.utf8.allSatisfy { byte in
                (0x61...0x7A).contains(byte) || (0x30...0x39).contains(byte)
                    || byte == 0x2D || byte == 0x2E || byte == 0x5F
            }
    }
}
