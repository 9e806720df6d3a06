import AdminWire

/// A file as a line of `search` and `files`. Columns are of fixed width and the path comes last,
/// so that lines can be printed as they arrive.
struct FileLine {
    /// Whether lines begin with the peer that has the file.
    var namesPeer: Bool
    var style: Style
    /// Milliseconds since 1970.
    var now: Int

    var heading: String {
        style.colored(columns(peer: "PEER", size: "SIZE", age: "AGE", digest: "SHA256"), .bold)
            + style.colored("PATH", .bold) + "\n"
    }

    func line(_ file: Admin.File, peer: String) -> String {
        columns(
            peer: TerminalText.escaped(peer), size: HumanFormat.size(file.size),
            age: file.modified > 0 ? HumanFormat.age(of: file.modified, at: now) : "-",
            digest: TerminalText.escaped(file.sha256.map { String($0.prefix(12)) } ?? "-"))
            + TerminalText.escaped(file.path) + "\n"
    }

    private func columns(peer: String, size: String, age: String, digest: String) -> String {
        (namesPeer ? peer + spaces(14, after: peer) + "  " : "")
            + spaces(8, after: size) + size + "  "
            + spaces(6, after: age) + age + "  "
            + digest + spaces(12, after: digest) + "  "
    }

    private func spaces(_ width: Int, after text: String) -> String {
        String(repeating: " ", count: max(width - TerminalText.width(text), 0))
    }
}
