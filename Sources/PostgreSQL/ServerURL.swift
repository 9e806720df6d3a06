/// Where a database is: `postgresql://USER:PASSWORD@HOST:PORT/DATABASE?NAME=VALUE`, as libpq reads
/// it, whatever of it is left out.
///
/// What could put a piece of the password where libpq expects something else is refused, since
/// libpq names that in its errors.
package struct ServerURL: Equatable, Sendable {
    /// Why a text is no such URL; names nothing of the text, which may hold a password.
    package struct Fault: Error, Equatable, Sendable, CustomStringConvertible {
        package let description: String
    }

    /// With the password. Not for a log.
    let string: String
    private let redacted: String

    /// Whether a text means a PostgreSQL database, well written or not.
    package static func isOne(_ text: String) -> Bool {
        text.hasPrefix("postgresql://") || text.hasPrefix("postgres://")
    }

    package init(_ string: String) throws(Fault) {
        guard Self.isOne(string), let colon = string.firstIndex(of: ":") else {
            throw Fault(description: "it does not begin with postgresql://")
        }
        if string.utf8.contains(0) { throw Fault(description: "it holds a NUL") }
        let rest = string[string.index(colon, offsetBy: 3)...]
        let end = rest.firstIndex { "/?#".contains($0) } ?? rest.endIndex
        let parts = rest[..<end].split(separator: "@", omittingEmptySubsequences: false)
        let path = rest[end...].prefix { $0 != "?" }
        // With a password before it, an `@` behind the host is of a parameter.
        let behind = parts.count == 2 ? path : rest[end...]
        guard parts.count <= 2, !behind.contains("@"), !behind.contains("#"), let host = parts.last,
            host.split(separator: ",").allSatisfy(Self.isHostAndPort)
        else {
            throw Fault(
                description: "its user name or password holds one of @ / ? # : unescaped; write"
                    + " %40 for @, %2F for /, %3F for ?, %23 for #, %3A for :")
        }
        let user = parts.count == 2 ? "\(parts[0].prefix { $0 != ":" })@" : ""
        redacted = "postgresql://\(user)\(host)\(path)"
        self.string = string
    }

    /// `HOST`, `HOST:PORT` or `[IPV6]:PORT`; nothing else looks like one.
    private static func isHostAndPort(_ text: Substring) -> Bool {
        let end = text.lastIndex(of: "]").map(text.index(after:)) ?? text.startIndex
        let (address, rest) = (text[..<end], text[end...])
        let parts = rest.split(separator: ":", omittingEmptySubsequences: false)
        return address.allSatisfy { $0.isHexDigit || "[]:.%".contains($0) }
            && (address.isEmpty || parts.first?.isEmpty != false)
            && parts.count <= 2 && parts.dropFirst().allSatisfy { $0.allSatisfy(\.isNumber) }
            && (parts.first ?? "").allSatisfy {
                $0.isASCII && ($0.isLetter || $0.isNumber || ".-_%".contains($0))
            }
    }
}

/// Without the password, and without what is behind `?`, where another could be.
extension ServerURL: CustomStringConvertible {
    package var description: String { redacted }
}
