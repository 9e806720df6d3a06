import AdminWire
import ArgumentParser
import Varlink

/// `p2padm get PATH[@PEER] | sha256:HEX | PATTERN@PEER`, `p2padm get --recursive DIR@PEER`
struct GetCommand: AdminCommand {
    static let configuration = CommandConfiguration(
        commandName: "get",
        abstract: "Fetches a file, verified, into the shared directory or elsewhere.",
        discussion: """
            It comes from all peers that have the same content, at once; with @PEER from that \
            one. The whole file's SHA-256 is compared before it appears under its name. What an \
            interruption leaves is taken up again by the same command. With --output the file \
            is made as yourself, from a partial file .NAME.p2p-part beside it.

            --recursive brings a peer's directory with all in it (. for all that it shares); a path \
            with * or ? and a peer, as in 'logs/*.gz@beta', all files that fit. What is here already \
            is not fetched again, and what cannot be brought is named at the end.

            A path that has an @ of its own is written with one more at its end, or with @PEER.
            """)

    @Argument(help: "PATH, PATH@PEER (a peer's name or URL), PATTERN@PEER or sha256:HEX.")
    var file: String

    @Option(
        help: ArgumentHelp(
            "Write to this file, or into this directory, as yourself.", valueName: "path"),
        completion: .file())
    var output: String?

    @Flag(help: "Replace a file that is there.")
    var force = false

    @Flag(name: .shortAndLong, help: "Fetch DIR@PEER, a directory, with all files in it.")
    var recursive = false

    @OptionGroup var common: CommonOptions

    var action: String { "get \(TerminalText.escaped(file))" }

    func check() throws(CommandFailure) {
        let tree = try TreeGet(GetTarget(file), isRecursive: recursive)
        if let output, output.isEmpty {
            throw CommandFailure(.usage, "\(action): --output needs a path")
        }
        if tree != nil, output != nil {
            throw CommandFailure(.usage, "\(action): --output takes one file")
        }
    }

    func perform(_ session: AdminSession, _ console: Console) throws(CommandFailure) {
        let target = try GetTarget(file)
        if let tree = try TreeGet(target, isRecursive: recursive) {
            return try perform(tree, session, console)
        }
        let destination = try destination(of: target)
        var session = session
        let last = try transfer(target, to: destination, &session, console)
        guard last.state == "done" else {
            throw CommandFailure(.transferFailed, "\(action): the daemon ended it without a reason")
        }
        let location: String?
        if let destination {
            let name = last.path.split(separator: "/").last.map(String.init) ?? ""
            location = try destination.publish(fileName: name, size: last.size)
        } else {
            location = sharedLocation(of: last.path, session)
        }
        try finish(GetResult(last, location: location), console)
    }

    private func destination(of target: GetTarget) throws(CommandFailure) -> OutputFile? {
        guard let output else { return nil }
        do {
            return try OutputFile(
                output: output, fileName: target.fileName, digest: target.digest, replaces: force)
        } catch {
            throw CommandFailure(error.status, "\(action): \(error.message)")
        }
    }

    /// Has the daemon fetch it, and shows how far it is. A daemon that goes away in the middle is asked
    /// again when it is back, and continues with what it had.
    private func transfer(
        _ target: GetTarget,
        to destination: OutputFile?,
        _ session: inout AdminSession,
        _ console: Console
    ) throws(CommandFailure) -> Admin.Progress {
        var query = Admin.GetQuery(force: force ? true : nil, output: destination.map { _ in 0 })
        switch target {
        case .path(let path, let peer): (query.path, query.peer) = (path, peer)
        case .digest(let digest): query.sha256 = digest
        }
        var restart = Restart()
        while true {
            do {
                return try ask(query, destination, session, console, &restart.last)
            } catch {
                do {
                    try resume(&restart, after: error, &session, console)
                } catch {
                    destination?.discardIfEmpty()
                    throw explained(error, restart.last)
                }
            }
        }
    }

    /// What a get that outlives its daemon keeps in mind.
    private struct Restart {
        /// Of all daemons so far.
        var last: Admin.Progress?
        /// Set by a restart: until then the new daemon may not know its peers yet.
        var deadline: ContinuousClock.Instant?
        /// What had been told when the daemon went away.
        var seen: Admin.Progress?
    }

    /// One call of `Get`, to its end.
    private func ask(
        _ query: Admin.GetQuery,
        _ destination: OutputFile?,
        _ session: AdminSession,
        _ console: Console,
        _ last: inout Admin.Progress?
    ) throws(CommandFailure) -> Admin.Progress {
        var bar = ProgressBar()
        let width = common.json ? nil : console.progressWidth
        defer {
            if width != nil { console.diagnostics("\r\u{1b}[K") }
        }
        var told = last
        defer { last = told }
        try session.stream(
            "Get", query, descriptors: destination.map { [$0.partial] } ?? [], action: action
        ) { (reply: Admin.GetReply) throws(CommandFailure) in
            told = reply.progress
            if let width {
                console.diagnostics("\r\(bar.line(reply.progress, width: width))\u{1b}[K")
            }
            if common.json { try printJSON("progress", reply.progress, console) }
        }
        guard let told else {
            throw CommandFailure(.transferFailed, "\(action): the daemon answered nothing")
        }
        return told
    }

    /// Returns when it is worth asking again.
    ///
    /// - Throws: `failure`, where it is not: nothing was heard of the get since the last restart, the
    ///   daemon does not come back, or it cannot do it for another reason.
    private func resume(
        _ restart: inout Restart,
        after failure: CommandFailure,
        _ session: inout AdminSession,
        _ console: Console
    ) throws(CommandFailure) {
        let deadline = ContinuousClock.now + console.restartPatience
        switch failure.status {
        case .unavailable where restart.last != restart.seen:
            restart.seen = restart.last
            do throws(CommandFailure) {
                session = try session.reconnected(until: deadline)
            } catch {
                throw error.status == .interrupted ? error : failure
            }
            restart.deadline = deadline
            console.warn("the daemon restarted; continuing")
        case .failed, .usage:
            // A daemon that has just started does not know yet who has what.
            guard let deadline = restart.deadline, ContinuousClock.now < deadline else {
                throw failure
            }
            try session.pause(500)
        default:
            throw failure
        }
    }

    /// An end in the middle says how far it came, and that it can be resumed.
    private func explained(_ failure: CommandFailure, _ last: Admin.Progress?) -> CommandFailure {
        let size = last?.size.map { " of " + HumanFormat.size($0) } ?? ""
        let received = HumanFormat.size(last?.received ?? 0) + size
        switch failure.status {
        case .interrupted:
            return CommandFailure(
                .interrupted,
                "\(action): interrupted after \(received): the same command again resumes it")
        case .unavailable where last != nil:
            return CommandFailure(
                .transferFailed,
                "\(action): the daemon went away after \(received): the same command again"
                    + " resumes it (systemctl status p2p-peer)")
        default:
            return failure
        }
    }

    /// Where the daemon has put it; `nil` where it does not say.
    private func sharedLocation(of path: String, _ session: AdminSession) -> String? {
        do {
            let status: Admin.Status = try session.call("Status", action: action)
            return status.shared_dir + (status.shared_dir.hasSuffix("/") ? "" : "/") + path
        } catch {
            // The file is there all the same.
            return nil
        }
    }

    private func finish(_ result: GetResult, _ console: Console) throws(CommandFailure) {
        if common.json { return try printJSON("result", result, console) }
        try console.output(result.line + "\n")
    }
}

/// A finished transfer: the member `result` of `get --json`, named as there.
// swift-format-ignore: AlwaysUseLowerCamelCase
struct GetResult: Codable, Equatable, Sendable {
    var path: String
    var bytes: Int
    /// Of these, what was there before.
    var resumed: Int
    var source: String?
    var sha256: String?
    var elapsed_ms: Int
    /// Where the file is now.
    var location: String?

    init(_ progress: Admin.Progress, location: String?) {
        path = progress.path
        bytes = progress.received
        resumed = progress.resumed
        source = progress.source
        sha256 = progress.sha256
        elapsed_ms = progress.elapsed_ms
        self.location = location
    }

    /// "a/b: 4,194,304 bytes in 31 ms, 135 MB/s, from peer2, sha256 9f86…, now /srv/share/a/b".
    var line: String {
        var parts = [
            "\(HumanFormat.count(bytes)) bytes in \(HumanFormat.duration(milliseconds: elapsed_ms))",
            HumanFormat.rate(bytes: bytes - resumed, milliseconds: elapsed_ms),
        ]
        if resumed > 0 { parts.append("resumed after \(HumanFormat.count(resumed)) bytes") }
        if let source { parts.append("from \(source)") }
        if let sha256 { parts.append("sha256 \(sha256)") }
        parts.append(location.map { "now \($0)" } ?? "now in the shared directory")
        return TerminalText.escaped("\(path): \(parts.joined(separator: ", "))")
    }
}
