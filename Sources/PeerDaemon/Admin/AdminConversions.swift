import AdminWire
import Glibc
import Overlay
import Varlink

extension Admin.File {
    init(_ file: FoundFile) {
        self.init(
            path: file.path, name: file.name, type: file.type, size: Int(file.size),
            modified: Int(file.modified / 1_000_000), sha256: file.sha256)
    }
}

extension Admin.Answer {
    init(_ answer: PeerAnswer) {
        self.init(
            peer: answer.peer.name, url: answer.peer.url.description, id: answer.peer.id,
            grpc: answer.peer.grpc, files: answer.files.map(Admin.File.init),
            via: answer.source.rawValue)
    }
}

extension Admin.Login {
    init(_ client: DirectoryClient) {
        let status = client.status
        let now = (monotonic: client.now, wall: WallClock.milliseconds())
        func wall(_ instant: Instant) -> Int {
            now.wall - (now.monotonic - instant).wholeMilliseconds
        }
        switch status.session {
        case .connecting: self.init(account: client.username, state: "connecting")
        case .loggedIn(let url, _, let since):
            self.init(
                account: client.username, state: "logged_in", url: url, since: wall(since),
                files: status.files)
        case .away(let reason, let since):
            self.init(
                account: client.username, state: "away", since: wall(since), reason: reason)
        }
    }
}

extension Admin.Coverage {
    init(_ coverage: SearchCoverage) {
        self.init(
            reached: coverage.reached, known: coverage.known,
            failed: coverage.failed.map {
                Admin.Failure(url: $0.url.description, reason: $0.reason)
            },
            duplicates: coverage.duplicates, truncated: coverage.truncated,
            elapsed_ms: coverage.elapsed.wholeMilliseconds, directory: coverage.directory)
    }
}

extension SearchRequest {
    static let timeoutMax = Duration.seconds(300)

    init(
        _ query: Admin.SearchQuery, settings: LiveSettings, hasDirectory: Bool
    ) throws(VarlinkError) {
        func check(_ value: Int?, _ range: ClosedRange<Int>, _ field: String) throws(VarlinkError) {
            guard let value, !range.contains(value) else { return }
            throw AdminError.invalidArgument(
                field, "expected \(range.lowerBound)-\(range.upperBound), found \(value)")
        }
        try check(query.fanout, 0...settings.maxFanout, "fanout")
        try check(query.ttl, 0...16, "ttl")
        try check(query.timeout_ms, 1...Self.timeoutMax.wholeMilliseconds, "timeout_ms")
        guard query.query.utf8.count <= OverlayService.textBytesMax else {
            throw AdminError.invalidArgument(
                "query", "expected at most \(OverlayService.textBytesMax) bytes")
        }
        self.init(
            text: query.query, fanout: query.fanout, ttl: query.ttl,
            timeout: query.timeout_ms.map { .milliseconds(Int64($0)) },
            via: try Self.via(query, hasDirectory: hasDirectory))
    }

    private static func via(
        _ query: Admin.SearchQuery, hasDirectory: Bool
    ) throws(VarlinkError) -> SearchVia? {
        guard let text = query.via else { return nil }
        guard let via = SearchVia(rawValue: text) else {
            throw AdminError.invalidArgument("via", "expected overlay, directory or both")
        }
        guard via == .overlay || hasDirectory else {
            throw AdminError.invalidArgument(
                "via", "this peer has no directory to ask; directory.url configures one")
        }
        return via
    }
}

/// The interface's errors.
enum AdminError {
    private static func error(_ name: String, _ parameters: some Encodable & Sendable)
        -> VarlinkError
    {
        VarlinkError("\(Admin.interface).\(name)", parameters)
    }

    static func invalidArgument(_ field: String, _ reason: String) -> VarlinkError {
        error("InvalidArgument", ["field": field, "reason": reason])
    }

    static func permissionDenied(group: String) -> VarlinkError {
        error("PermissionDenied", ["group": group])
    }

    static func notFound(
        _ what: String, _ coverage: SearchCoverage?, here: String?
    ) -> VarlinkError {
        struct Parameters: Encodable, Sendable {
            var what: String
            var coverage: Admin.Coverage?
            var here: String?
        }
        return error(
            "NotFound",
            Parameters(what: what, coverage: coverage.map(Admin.Coverage.init), here: here))
    }

    static func alreadyExists(_ path: String) -> VarlinkError {
        error("AlreadyExists", ["path": path])
    }

    static func ambiguous(_ path: String, _ choices: [PeerAnswer]) -> VarlinkError {
        struct Parameters: Encodable, Sendable {
            var path: String
            var choices: [Admin.Answer]
        }
        return error(
            "Ambiguous", Parameters(path: path, choices: choices.map(Admin.Answer.init)))
    }

    static func transferFailed(
        _ path: String, _ reason: String, received: Int64, size: Int64?
    ) -> VarlinkError {
        struct Parameters: Encodable, Sendable {
            var path: String
            var reason: String
            var received: Int
            var size: Int?
        }
        return error(
            "TransferFailed",
            Parameters(
                path: path, reason: reason, received: Int(received), size: size.map { Int($0) }))
    }

    static func uploadFailed(
        _ name: String, _ peer: String, _ reason: String, sent: Int64, size: Int64
    ) -> VarlinkError {
        struct Parameters: Encodable, Sendable {
            var name: String
            var peer: String
            var reason: String
            var sent: Int
            var size: Int
        }
        return error(
            "UploadFailed",
            Parameters(name: name, peer: peer, reason: reason, sent: Int(sent), size: Int(size)))
    }

    static func invalidConfiguration(_ faults: [String]) -> VarlinkError {
        error("InvalidConfiguration", ["faults": faults])
    }

    static func busy(_ reason: String) -> VarlinkError {
        error("Busy", ["reason": reason])
    }

    static func failed(_ reason: String) -> VarlinkError {
        error("Failed", ["reason": reason])
    }
}

extension Duration {
    var wholeMilliseconds: Int { Int(self / .milliseconds(1)) }
}

enum WallClock {
    /// Since 1970-01-01T00:00:00Z.
    static func milliseconds() -> Int {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        return now.tv_sec * 1000 + now.tv_nsec / 1_000_000
    }
}
