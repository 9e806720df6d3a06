import AdminWire
import FoundationEssentials

extension Menu {
    /// Hits that are listed at most; more cannot be chosen from by a number.
    static let hitsMax = 100
    /// Files of a peer that are listed at most.
    static let filesMax = 10_000

    // MARK: - 1 Search and download

    func download(_ own: Admin.Status) throws(MenuStop) {
        let text = try ask(phrases(.fileName))
        if text.isEmpty { return }
        try say(phrases(.searching))
        var hits = MenuHits(ownURL: own.url)
        guard
            case .answered = try asked({ session throws(CommandFailure) in
                try session.stream("Search", Admin.SearchQuery(query: text), action: "") {
                    (reply: Admin.SearchReply) throws(CommandFailure) in
                    hits.add(reply)
                }
            })
        else { return }
        try tell(hits, text)
        guard !hits.listed.isEmpty,
            let index = try number(.whichFile, .badNumber, of: hits.listed.count)
        else { return }
        try start(hits.listed[index], own)
    }

    private func tell(_ hits: MenuHits, _ text: String) throws(MenuStop) {
        for path in hits.own { try say(phrases(.onlyHere, path)) }
        if hits.listed.isEmpty, hits.own.isEmpty {
            let (reached, known) = (hits.coverage?.reached ?? 0, hits.coverage?.known ?? 0)
            return try say(phrases(.nothingFound, text, "\(reached)", "\(known)"))
        }
        try show(
            numbered(
                hits.listed.map { hit in
                    "\(hit.peer)  \(hit.path)  \(HumanFormat.size(hit.size))"
                }))
        if hits.count > hits.listed.count {
            try say(phrases(.tooManyHits, "\(hits.listed.count)", "\(hits.count)"))
        }
    }

    private func start(_ hit: Hit, _ own: Admin.Status) throws(MenuStop) {
        let (sockets, shared) = (sockets, own.shared_dir)
        try start(
            BackgroundTransfers.Transfer(
                direction: .download, name: hit.path, peer: hit.peer, size: hit.size), .downloading
        ) { (report) throws(CommandFailure) in
            var last: Admin.Progress?
            let session = try AdminSession(sockets: sockets, interrupt: nil)
            try session.stream("Get", Admin.GetQuery(path: hit.path, peer: hit.url), action: "") {
                (reply: Admin.GetReply) throws(CommandFailure) in
                report(reply.progress.received, reply.progress.size)
                last = reply.progress
            }
            guard let last, last.state == "done" else {
                throw CommandFailure(.transferFailed, "the daemon ended it without a reason")
            }
            return BackgroundTransfers.Success(
                bytes: last.received, milliseconds: last.elapsed_ms,
                remark: shared + (shared.hasSuffix("/") ? "" : "/") + last.path)
        }
    }

    // MARK: - 2 Upload

    func upload() throws(MenuStop) {
        guard let file = try file(), let peer = try peer(besides: nil) else { return }
        let (sockets, upload) = (sockets, Upload(input: file, peer: peer.url))
        try start(
            BackgroundTransfers.Transfer(direction: .upload, name: file.name, peer: peer.name),
            .uploading
        ) { (report) throws(CommandFailure) in
            var last: Admin.PutProgress?
            let session = try AdminSession(sockets: sockets, interrupt: nil)
            try upload.run(session, action: "") { (progress) throws(CommandFailure) in
                report(progress.sent, progress.size)
                last = progress
            }
            guard let last, last.state == "done" else {
                throw CommandFailure(.transferFailed, "the daemon ended it without a reason")
            }
            return BackgroundTransfers.Success(
                bytes: last.sent, milliseconds: last.elapsed_ms, remark: last.message ?? "")
        }
    }

    private func file() throws(MenuStop) -> InputFile? {
        while true {
            let path = try ask(phrases(.filePath))
            if path.isEmpty { return nil }
            do {
                return try InputFile(path: Self.expanded(path))
            } catch {
                try say(phrases(.unreadable, verbatim: error.message))
            }
        }
    }

    /// `~/` as a shell reads it, which has not seen what is typed here.
    private static func expanded(_ path: String) -> String {
        guard path.hasPrefix("~/"), let home = ProcessInfo.processInfo.environment["HOME"] else {
            return path
        }
        return home + path.dropFirst()
    }

    private func start(
        _ transfer: BackgroundTransfers.Transfer,
        _ text: MenuText,
        _ work: @escaping BackgroundTransfers.Work
    ) throws(MenuStop) {
        if transfers.start(transfer, work) {
            try say(phrases(text, transfer.name, transfer.peer))
        } else {
            try say(phrases(.tooManyTransfers, "\(transfers.active.count)"))
        }
    }

    // MARK: - 3 List

    func list(_ own: Admin.Status) throws(MenuStop) {
        guard let peer = try peer(besides: own) else { return }
        var files: [Admin.File] = []
        let query = Admin.FilesQuery(peer: peer.url == own.url ? nil : peer.url)
        guard
            case .answered = try asked({ session throws(CommandFailure) in
                try session.stream("Files", query, action: "") {
                    (reply: Admin.Files) throws(CommandFailure) in
                    files += reply.files.prefix(Self.filesMax + 1 - files.count)
                }
            })
        else { return }
        if files.isEmpty { return try say(phrases(.noFiles, peer.name)) }
        let listed = files.prefix(Self.filesMax)
        try show(
            listed.map { file in
                TerminalText.escaped("  \(file.path)  \(HumanFormat.size(file.size))")
            })
        if files.count > listed.count {
            return try say(phrases(.listCut, HumanFormat.count(listed.count)))
        }
        let bytes = listed.reduce(0) { $0 + $1.size }
        try say(phrases(.filesTotal, HumanFormat.count(listed.count), HumanFormat.size(bytes)))
    }

    // MARK: - Choosing

    struct ChosenPeer {
        var name: String
        var url: String
    }

    /// Has the user choose one of the peers that are alive, and this one where it is given.
    private func peer(besides own: Admin.Status?) throws(MenuStop) -> ChosenPeer? {
        guard
            case .answered(let answer) = try asked({ session throws(CommandFailure) in
                try session.call("Peers", action: "") as Admin.Peers
            })
        else { return nil }
        let alive = answer.peers.filter { $0.state == "alive" }.map { peer in
            ChosenPeer(name: peer.name ?? peer.url, url: peer.url)
        }
        let here = own.map { ChosenPeer(name: $0.name, url: $0.url) }
        let choices = alive + (here.map { [$0] } ?? [])
        guard !choices.isEmpty else {
            try say(phrases(.noPeers))
            return nil
        }
        let names = alive.map { "\($0.name)  \($0.url)" }
        try show(numbered(names + (here.map { [phrases(.thisPeer, $0.name)] } ?? [])))
        let index = try number(
            .whichPeer, .badPeer, of: choices.count, names: choices.map(\.name))
        return index.map { choices[$0] }
    }

    private func numbered(_ texts: [String]) -> [String] {
        let columns = "\(texts.count)".count
        return texts.enumerated().map { index, text in
            let number = "\(index + 1)"
            let padding = String(repeating: " ", count: columns - number.count)
            return " \(padding)\(number)  \(TerminalText.escaped(text))"
        }
    }

    /// Asks until one of `count` is chosen, by its number from 1 or by its name.
    ///
    /// - Returns: Its index; `nil` for none.
    private func number(
        _ question: MenuText,
        _ hint: MenuText,
        of count: Int,
        names: [String] = []
    ) throws(MenuStop) -> Int? {
        while true {
            let line = try ask(phrases(question, "\(count)"))
            if line.isEmpty { return nil }
            if let number = Int(line), (1...count).contains(number) { return number - 1 }
            if let index = names.firstIndex(of: line) { return index }
            try say(phrases(hint, line, "\(count)"))
        }
    }
}

/// What a search from the menu has come to.
struct MenuHits {
    let ownURL: String
    /// At other peers, at most ``Menu/hitsMax``.
    private(set) var listed: [Hit] = []
    /// All those at other peers.
    private(set) var count = 0
    /// Paths at this peer, as many at most.
    private(set) var own: [String] = []
    private(set) var coverage: Admin.Coverage?

    init(ownURL: String) {
        self.ownURL = ownURL
    }

    mutating func add(_ reply: Admin.SearchReply) {
        coverage = reply.coverage ?? coverage
        for answer in reply.answers {
            if answer.url == ownURL {
                own += answer.files.prefix(Menu.hitsMax - own.count).map(\.path)
                continue
            }
            count += answer.files.count
            listed += answer.files.prefix(Menu.hitsMax - listed.count).map { Hit(answer, $0) }
        }
    }
}
