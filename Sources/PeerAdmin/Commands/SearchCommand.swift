import AdminWire
import ArgumentParser

/// `p2padm search QUERY`
struct SearchCommand: AdminCommand {
    static let configuration = CommandConfiguration(
        commandName: "search",
        abstract: "Asks this peer and, hop by hop, others for files by a part of their name.",
        discussion: """
            Prints hits as they arrive, then how many of the known peers were reached; each peer \
            that failed is named on stderr. A star behind a peer's name says that the directory \
            told of the file, and the peer itself was not reached. Exits 1 when nothing was found.
            """)

    @Argument(help: "A part of the name, in any case.")
    var query: String

    @Option(help: "How many neighbours each hop asks, 1-64 (default: the daemon's max_fanout).")
    var fanout: Int?

    @Option(help: "How many hops the query travels, 0-16 (default: the daemon's search_ttl).")
    var ttl: Int?

    @Option(
        help: ArgumentHelp(
            "Answer after this long with what is there: 5s, 500ms, 1m (default: the daemon's search_timeout).",
            valueName: "time"))
    var timeout: TimeArgument?

    @Option(
        help: ArgumentHelp(
            "Whom to ask: overlay, directory or both (default: both where the daemon has a directory, else overlay).",
            valueName: "whom"))
    var via: SearchVia?

    @OptionGroup var common: CommonOptions

    var action: String { "search \(TerminalText.escaped(query))" }

    func perform(_ session: AdminSession, _ console: Console) throws(CommandFailure) {
        var tally = SearchTally()
        let line = FileLine(namesPeer: true, style: console.style, now: console.now())
        let query = Admin.SearchQuery(
            query: query, fanout: fanout, ttl: ttl, timeout_ms: timeout?.milliseconds,
            via: via?.rawValue)
        try session.stream("Search", query, action: action) {
            (reply: Admin.SearchReply) throws(CommandFailure) in
            for answer in reply.answers {
                try show(answer, isFirst: tally.files == 0, as: line, console)
                tally.add(answer)
            }
            tally.coverage = reply.coverage ?? tally.coverage
        }
        try finish(tally, console)
    }

    private func show(
        _ answer: Admin.Answer,
        isFirst: Bool,
        as line: FileLine,
        _ console: Console
    ) throws(CommandFailure) {
        if common.json {
            for file in answer.files { try printJSON("hit", Hit(answer, file), console) }
            return
        }
        if answer.files.isEmpty { return }
        // A star: the directory says so, the peer itself was not reached.
        let peer = answer.via == "directory" ? "\(answer.peer)*" : answer.peer
        let lines = answer.files.map { line.line($0, peer: peer) }
        try console.output((isFirst ? line.heading : "") + lines.joined())
    }

    private func finish(_ tally: SearchTally, _ console: Console) throws(CommandFailure) {
        if !common.json {
            try console.output(tally.summary + "\n")
        } else if let coverage = tally.coverage {
            try printJSON("coverage", coverage, console)
        }
        for failure in tally.coverage?.failed ?? [] {
            console.warn(
                "search: no answer from \(TerminalText.escaped(failure.url)):"
                    + " \(TerminalText.escaped(failure.reason))")
        }
        // The summary has said it.
        if tally.files == 0 { throw CommandFailure(.failed, "") }
    }
}

/// Whom a search asks.
enum SearchVia: String, CaseIterable, ExpressibleByArgument {
    case overlay, directory, both
}

/// A file at a peer: the member `hit` of `search --json`.
struct Hit: Codable, Equatable, Sendable {
    var peer: String
    var url: String
    var path: String
    var name: String
    var type: String
    var size: Int
    var modified: Int
    var sha256: String?
    /// Who told: `overlay` (the peer itself) or `directory`.
    var via: String?

    init(_ answer: Admin.Answer, _ file: Admin.File) {
        peer = answer.peer
        url = answer.url
        path = file.path
        name = file.name
        type = file.type
        size = file.size
        modified = file.modified
        sha256 = file.sha256
        via = answer.via
    }
}

/// What a search has come to.
struct SearchTally {
    private(set) var files = 0
    /// Told by a directory.
    private var filesOfDirectory = 0
    private var urls: Set<String> = []
    var coverage: Admin.Coverage?

    mutating func add(_ answer: Admin.Answer) {
        files += answer.files.count
        if answer.via == "directory" { filesOfDirectory += answer.files.count }
        if !answer.files.isEmpty { urls.insert(answer.url) }
    }

    /// "12 files at 3 peers; reached 4 of 4 peers in 5 ms".
    var summary: String {
        var text =
            "\(HumanFormat.plural(files, "file")) at \(HumanFormat.plural(urls.count, "peer"))"
        guard let coverage else { return text }
        if filesOfDirectory > 0 { text += " (\(filesOfDirectory) by the directory)" }
        text += "; reached \(coverage.reached) of \(HumanFormat.plural(coverage.known, "peer"))"
        text += " in \(HumanFormat.duration(milliseconds: coverage.elapsed_ms))"
        if !coverage.failed.isEmpty { text += ", \(coverage.failed.count) failed" }
        if coverage.duplicates > 0 {
            text += ", \(HumanFormat.plural(coverage.duplicates, "duplicate"))"
        }
        if coverage.truncated { text += ", truncated by a limit" }
        return text
    }
}

/// A time on the command line: 5s, 500ms, 1m, or seconds without a unit.
struct TimeArgument: ExpressibleByArgument, Equatable {
    let milliseconds: Int

    init?(argument: String) {
        let number = argument.prefix { $0.isASCII && $0.isNumber }
        let factor: Int
        switch argument.dropFirst(number.count) {
        case "ms": factor = 1
        case "s", "": factor = 1000
        case "m", "min": factor = 60_000
        default: return nil
        }
        guard let value = Int(number), value > 0, value <= 86_400_000 / factor else { return nil }
        milliseconds = value * factor
    }
}
