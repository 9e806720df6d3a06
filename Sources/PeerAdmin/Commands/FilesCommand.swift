import AdminWire
import ArgumentParser

/// `p2padm files [QUERY] [--peer PEER]`
struct FilesCommand: AdminCommand {
    static let configuration = CommandConfiguration(
        commandName: "files",
        abstract: "The files that this host, or a peer, shares.",
        discussion: "Exits 1 when there is none. Of a peer, the first 50,000 are listed.")

    @Argument(help: "Only those with this in their name, in any case.")
    var query: String?

    @Option(
        help: ArgumentHelp(
            "Those of this peer: its name, its URL or the beginning of its id.", valueName: "peer"))
    var peer: String?

    @OptionGroup var common: CommonOptions

    var action: String { "files" + (query.map { " " + TerminalText.escaped($0) } ?? "") }

    func perform(_ session: AdminSession, _ console: Console) throws(CommandFailure) {
        let line = FileLine(namesPeer: false, style: console.style, now: console.now())
        var (count, bytes) = (0, 0)
        try session.stream("Files", Admin.FilesQuery(query: query, peer: peer), action: action) {
            (reply: Admin.Files) throws(CommandFailure) in
            if common.json {
                for file in reply.files { try printJSON("file", file, console) }
            } else if !reply.files.isEmpty {
                let lines = reply.files.map { line.line($0, peer: "") }
                try console.output((count == 0 ? line.heading : "") + lines.joined())
            }
            count += reply.files.count
            for file in reply.files { bytes += file.size }
        }
        if !common.json {
            let total = "\(HumanFormat.plural(count, "file")), \(HumanFormat.size(bytes))"
            try console.output(total + "\n")
        }
        if count == 0 { throw CommandFailure(.failed, "") }
    }
}
