/// What `p2padm get` is to fetch.
enum GetTarget: Equatable {
    /// By path; at a peer, by name or URL, where one is named.
    case path(String, peer: String?)
    /// By content: 64 lower-case hexadecimal digits.
    case digest(String)

    /// Reads `PATH`, `PATH@PEER` or `sha256:HEX`.
    ///
    /// The last `@` divides; a path that has one of its own and is wanted from anywhere ends in a
    /// further `@`.
    init(_ argument: String) throws(CommandFailure) {
        if argument.lowercased().hasPrefix("sha256:") {
            let digest = argument.dropFirst("sha256:".count).lowercased()
            guard digest.utf8.count == 64, digest.utf8.allSatisfy(Self.isHexadecimal) else {
                throw CommandFailure(
                    .usage,
                    "get \(TerminalText.escaped(argument)): a SHA-256 has 64 hexadecimal digits")
            }
            self = .digest(digest)
            return
        }
        var path = argument[...]
        var peer: Substring?
        if let at = argument.lastIndex(of: "@") {
            path = argument[..<at]
            peer = argument[argument.index(after: at)...]
        }
        guard !path.isEmpty else {
            throw CommandFailure(.usage, "get: no path given: p2padm get PATH[@PEER]")
        }
        self = .path(String(path), peer: peer.flatMap { $0.isEmpty ? nil : String($0) })
    }

    /// What the file is called; unknown for a digest.
    var fileName: String? {
        guard case .path(let path, _) = self else { return nil }
        return path.split(separator: "/").last.map(String.init)
    }

    var digest: String? {
        guard case .digest(let digest) = self else { return nil }
        return digest
    }

    private static func isHexadecimal(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
            || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
    }
}
