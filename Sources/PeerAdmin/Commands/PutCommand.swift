import AdminWire
import ArgumentParser
import Varlink

/// `p2padm put FILE PEER [--as NAME]`
struct PutCommand: AdminCommand {
    static let configuration = CommandConfiguration(
        commandName: "put",
        abstract: "Sends a file to a peer, which shares it.",
        discussion: """
            The peer takes it where its configuration says so (accept_uploads), and never in the \
            place of a file that it has. The file is opened as yourself. What an interruption \
            leaves is thrown away by the peer.
            """)

    @Argument(help: "The file to send, a regular file.", completion: .file())
    var file: String

    @Argument(help: "The peer's name, its URL or the beginning of its id.")
    var peer: String

    @Option(
        name: .customLong("as"),
        help: ArgumentHelp("What it is called there (default: as here).", valueName: "name"))
    var name: String?

    @OptionGroup var common: CommonOptions

    var action: String { "put \(TerminalText.escaped(file))" }

    func check() throws(CommandFailure) {
        if peer.isEmpty { throw CommandFailure(.usage, "\(action): PEER is empty") }
        if let name, name.isEmpty { throw CommandFailure(.usage, "\(action): --as needs a name") }
    }

    func perform(_ session: AdminSession, _ console: Console) throws(CommandFailure) {
        let input = try input()
        var bar = ProgressBar()
        let width = common.json ? nil : console.progressWidth
        defer {
            if width != nil { console.diagnostics("\r\u{1b}[K") }
        }
        var last: Admin.PutProgress?
        do {
            let upload = Upload(input: input, name: name, peer: peer)
            try upload.run(session, action: action) {
                (progress: Admin.PutProgress) throws(CommandFailure) in
                last = progress
                if let width {
                    let line = bar.line(Admin.Progress(progress), width: width)
                    console.diagnostics("\r\(line)\u{1b}[K")
                }
                if common.json { try printJSON("upload", progress, console) }
            }
        } catch {
            throw explained(error, last)
        }
        guard let last, last.state == "done" else {
            throw CommandFailure(.transferFailed, "\(action): the daemon ended it without a reason")
        }
        if !common.json { try console.output(last.line + "\n") }
    }

    private func input() throws(CommandFailure) -> InputFile {
        do {
            return try InputFile(path: file)
        } catch {
            throw CommandFailure(error.status, "\(action): \(error.message)")
        }
    }

    /// An end in the middle says what has become of the file.
    private func explained(_ failure: CommandFailure, _ last: Admin.PutProgress?) -> CommandFailure
    {
        let peer = TerminalText.escaped(last?.peer ?? peer)
        switch failure.status {
        case .interrupted:
            return CommandFailure(
                .interrupted, "\(action): interrupted: \(peer) throws away what has arrived")
        case .unavailable where last != nil:
            return CommandFailure(
                .transferFailed,
                "\(action): the daemon went away before \(peer) had answered: see whether it has"
                    + " the file (p2padm files --peer \(peer)), else repeat it")
        default:
            return failure
        }
    }
}

/// A file on its way to a peer, by the daemon.
struct Upload {
    let input: InputFile
    /// What it is called there, where not as here.
    var name: String?
    let peer: String

    func run(
        _ session: AdminSession,
        action: String,
        each: (Admin.PutProgress) throws(CommandFailure) -> Void
    ) throws(CommandFailure) {
        try session.stream(
            "Put", Admin.PutQuery(input: 0, name: name ?? input.name, peer: peer),
            descriptors: [input.descriptor], action: action
        ) { (reply: Admin.PutReply) throws(CommandFailure) in
            try each(reply.progress)
        }
    }
}

extension Admin.Progress {
    /// For the progress bar, to which it is the same whether bytes come or go.
    init(_ progress: Admin.PutProgress) {
        self.init(
            state: progress.state == "sending" ? "receiving" : progress.state, path: progress.name,
            size: progress.size, received: progress.sent, resumed: 0,
            elapsed_ms: progress.elapsed_ms)
    }
}

extension Admin.PutProgress {
    /// "q3.parquet: 4,194,304 bytes in 31 ms, 135 MB/s, to beta, which says: stored".
    var line: String {
        var parts = [
            "\(HumanFormat.count(sent)) bytes in \(HumanFormat.duration(milliseconds: elapsed_ms))",
            HumanFormat.rate(bytes: sent, milliseconds: elapsed_ms), "to \(peer)",
        ]
        if let message, !message.isEmpty { parts.append("which says: \(message)") }
        return TerminalText.escaped("\(name): \(parts.joined(separator: ", "))")
    }
}
