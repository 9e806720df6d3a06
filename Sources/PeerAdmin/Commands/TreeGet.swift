import AdminWire
import Varlink

/// `p2padm get --recursive DIR@PEER`, and `get PATTERN@PEER`: many files of one peer.
struct TreeGet: Equatable {
    let peer: String
    /// Empty for all that the peer shares.
    let directory: String
    /// nil for all that is beneath the directory.
    let pattern: String?

    /// nil where one file is meant.
    ///
    /// - Throws: `usage` where no peer is named.
    init?(_ target: GetTarget, isRecursive: Bool) throws(CommandFailure) {
        guard case .path(let path, let peer) = target else {
            guard isRecursive else { return nil }
            throw CommandFailure(.usage, "get: --recursive takes DIR@PEER")
        }
        let isPattern = path.contains { $0 == "*" || $0 == "?" }
        guard isRecursive || (isPattern && peer != nil) else { return nil }
        guard let peer else {
            throw CommandFailure(
                .usage,
                "get \(TerminalText.escaped(path)): --recursive takes DIR@PEER: which peer's?")
        }
        self.peer = peer
        if isRecursive {
            (directory, pattern) = (Self.trimmed(path), nil)
        } else {
            (directory, pattern) = (Self.literalDirectory(of: path), path)
        }
    }

    /// `.` and `./` are all; a slash at the end says nothing more.
    private static func trimmed(_ path: String) -> String {
        var rest = path[...]
        while rest.hasSuffix("/") { rest = rest.dropLast() }
        return rest == "." ? "" : String(rest)
    }

    /// The components before the first with a character that is special in patterns (glob(7)).
    private static func literalDirectory(of pattern: String) -> String {
        pattern.split(separator: "/", omittingEmptySubsequences: false).dropLast()
            .prefix { component in !component.contains { "*?[\\".contains($0) } }
            .joined(separator: "/")
    }
}

extension GetCommand {
    func perform(
        _ tree: TreeGet, _ session: AdminSession, _ console: Console
    ) throws(CommandFailure) {
        var last: Admin.TreeProgress?
        let width = common.json ? nil : console.progressWidth
        let query = Admin.TreeQuery(
            peer: tree.peer, directory: tree.directory, pattern: tree.pattern,
            force: force ? true : nil)
        defer {
            if width != nil { console.diagnostics("\r\u{1b}[K") }
        }
        try session.stream("GetTree", query, action: action) {
            (reply: Admin.TreeReply) throws(CommandFailure) in
            last = reply.progress
            if width != nil { console.diagnostics("\r\(reply.progress.summary)\u{1b}[K") }
            if common.json { try printJSON("tree", reply.progress, console) }
        }
        guard let last, last.state == "done" else {
            throw CommandFailure(.transferFailed, "\(action): the daemon ended it without a reason")
        }
        if width != nil { console.diagnostics("\r\u{1b}[K") }
        if !common.json { try console.output("\(TerminalText.escaped(file)): \(last.line)\n") }
        for failure in last.failures {
            console.warn(
                "\(TerminalText.escaped(failure.path)): \(TerminalText.escaped(failure.reason))")
        }
        guard last.failed == 0 else {
            throw CommandFailure(
                .transferFailed,
                "\(action): \(HumanFormat.plural(last.failed, "file")) of"
                    + " \(HumanFormat.count(last.files)) did not come")
        }
    }
}

extension Admin.TreeProgress {
    /// "1,200 of 5,000 files, 4.91 MB".
    var summary: String {
        "\(HumanFormat.count(done)) of \(HumanFormat.plural(files, "file")),"
            + " \(HumanFormat.size(bytes))"
    }

    /// "5,000 files, 20.5 MB in 1.20 s, 4,167 files/s; 12 of them were here already".
    var line: String {
        let came = done - present
        var line = "\(HumanFormat.plural(came, "file")), \(HumanFormat.size(bytes)) in "
        line += HumanFormat.duration(milliseconds: elapsed_ms)
        if elapsed_ms > 0 { line += ", \(HumanFormat.count(came * 1000 / elapsed_ms)) files/s" }
        if present > 0 { line += "; \(HumanFormat.count(present)) more were here already" }
        return line
    }
}
