/// REST base URLs: `http://HOST[:PORT][/PATH]`, no user, query or fragment.
enum HTTPBaseURL {
    /// The URL without its last slashes and with scheme and host in lower case, so that equal
    /// peers have equal URLs; nil where it is no base URL.
    static func normalized(_ text: String) -> String? {
        guard text.utf8.count <= 2048, text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }),
            let separator = text.firstRange(of: "://")
        else { return nil }
        let scheme = text[..<separator.lowerBound].lowercased()
        guard scheme == "http" || scheme == "https" else { return nil }
        let rest = text[separator.upperBound...]
        let slash = rest.firstIndex(of: "/") ?? rest.endIndex
        guard isAuthority(rest[..<slash]) else { return nil }
        var path = rest[slash...]
        guard !path.contains(where: { "?#\"<>\\^`{|}".contains($0) }) else { return nil }
        while path.last == "/" { path.removeLast() }
        return "\(scheme)://\(rest[..<slash].lowercased())\(path)"
    }

    /// `HOST`, `HOST:PORT`, `[IPV6]`, `[IPV6]:PORT`.
    private static func isAuthority(_ text: Substring) -> Bool {
        let host: Substring
        let after: Substring
        if text.first == "[" {
            guard let end = text.firstIndex(of: "]") else { return false }
            host = text[text.index(after: text.startIndex)..<end]
            after = text[text.index(after: end)...]
            guard host.contains(":") else { return false }
        } else {
            let end = text.firstIndex(of: ":") ?? text.endIndex
            host = text[..<end]
            after = text[end...]
        }
        guard isHost(String(host)) else { return false }
        if after.isEmpty { return true }
        guard after.first == ":", let port = Int(after.dropFirst()) else { return false }
        return (1...65535).contains(port) && after.dropFirst().first != "+"
    }

    /// A host name or an address; an IPv6 address without brackets.
    static func isHost(_ text: String) -> Bool {
        if text.contains(":") {
            return ValueKind.address.parse(.string(text)) != nil
        }
        return (1...253).contains(text.utf8.count)
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."),
                    UInt8(ascii: "_"):
                    true
                default: false
                }
            } && text.utf8.first != UInt8(ascii: "-")
    }
}
