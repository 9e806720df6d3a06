import Overlay

extension RESTFace {
    /// What the seeds' peers ask with when a client does not say.
    private static let fanoutDefault = 2

    func search(_ target: RequestTarget) async throws -> SearchDocument {
        let settings = node.settings
        let text = try target.text("query", bytesMax: Bounds.queryBytesMax)
        let fanout = try target.number("fanout", in: 0...Bounds.fanoutMax) ?? Self.fanoutDefault
        let ttl = try target.number("ttl", in: 0...Bounds.ttlMax) ?? settings.searchTTL
        let request = SearchRequest(
            text: text, fanout: min(fanout, settings.maxFanout), ttl: ttl,
            timeout: settings.searchTimeout, via: try via(target))
        var results = SearchResults(own: node.identity.url.description)
        for await event in await node.search(request) {
            results.take(event)
        }
        return SearchDocument(
            query: text, ttl: ttl, fanoutUsed: min(fanout, settings.maxFanout),
            results: results.ordered, coverage: results.coverage)
    }
}

extension RESTFace {
    private func via(_ target: RequestTarget) throws(Problem) -> SearchVia? {
        guard let text = try target.parameter("via") else { return nil }
        guard let via = SearchVia(rawValue: text) else {
            throw .badRequest(
                "the parameter \"via\" must be one of "
                    + SearchVia.allCases.map(\.rawValue).joined(separator: ", "))
        }
        guard via == .overlay || node.hasDirectory else {
            throw .badRequest("the parameter \"via\": this peer has no directory to ask")
        }
        return via
    }
}

/// Collects the answers of a search, no more of them than the bounds allow.
private struct SearchResults {
    /// REST base URL of this peer.
    let own: String
    private var results: [SearchDocument.Result] = []
    private var filesLeft = RESTFace.Bounds.filesFoundMax
    private var pathBytesLeft = RESTFace.Bounds.pathBytesFoundMax
    private(set) var coverage = SearchDocument.Coverage(
        reached: 0, known: 0, failed: [], duplicates: 0, truncated: false, elapsedMilliseconds: 0)
    private var isCut = false

    init(own: String) {
        self.own = own
    }

    /// This peer's own first, the others as they came.
    var ordered: [SearchDocument.Result] {
        results.filter { $0.peer == own } + results.filter { $0.peer != own }
    }

    mutating func take(_ event: SearchEvent) {
        switch event {
        case .answer(let answer):
            let files = answer.files.prefix { fits($0) }
            let isCutHere = files.count < answer.files.count
            isCut = isCut || isCutHere
            let base = answer.peer.url.description
            results.append(
                SearchDocument.Result(
                    peer: base, name: answer.peer.name,
                    files: files.map { FileEntry($0, base: base, grpc: answer.peer.grpc) },
                    truncated: answer.truncated || isCutHere, via: answer.source.rawValue))
        case .failure:
            // The end names all of them.
            break
        case .end(let end):
            coverage = SearchDocument.Coverage(
                reached: end.reached, known: end.known,
                failed: end.failed.map { .init(url: $0.url.description, reason: $0.reason) },
                duplicates: end.duplicates, truncated: end.truncated || isCut,
                elapsedMilliseconds: end.elapsed.milliseconds.rounded(),
                directory: end.directory)
        }
    }

    private mutating func fits(_ file: FoundFile) -> Bool {
        let bytes = file.path.utf8.count
        guard filesLeft > 0, pathBytesLeft >= bytes else {
            filesLeft = 0
            return false
        }
        filesLeft -= 1
        pathBytesLeft -= bytes
        return true
    }
}
