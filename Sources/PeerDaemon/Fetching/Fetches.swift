import Catalog
import LogMessages
import Logging
import Overlay
import RootedFiles
import SystemPackage
import Transfer
import Varlink

/// The files that are being brought here, at most ``activeMax`` at once.
final class Fetches: Sendable {
    /// More than this only makes each slower.
    static let activeMax = 16

    /// Where a file goes.
    enum Target: Sendable {
        case sharedDirectory(replacing: Bool)
        /// The caller's own open file.
        case descriptor(OwnedDescriptor)
    }

    struct Request: Sendable {
        var wanted: FileFinder.Wanted
        var target: Target
    }

    /// `org.p2ppeer.Admin`'s GetState.
    enum Stage: String, Sendable {
        case finding, receiving, verifying, publishing, done
    }

    struct Progress: Sendable {
        var stage: Stage
        var path: String
        var size: Int64?
        var received: Int64 = 0
        var resumed: Int64 = 0
        var source: String?
        var sha256: String?
        var elapsed: Duration
    }

    enum Failure: Error {
        case busy
        case failed(path: String, reason: String, received: Int64, size: Int64?)
        case alreadyExists(path: String)
    }

    let peer: Peer
    let links: PeerLinks
    let root: RootedDirectory
    let store: TransferStore
    private let transfers: TransferCounters
    let logger: Logger
    let running = RunningFetches()

    init(
        peer: Peer, links: PeerLinks, root: RootedDirectory, store: TransferStore,
        transfers: TransferCounters, logger: Logger
    ) {
        self.store = store
        self.peer = peer
        self.links = links
        self.root = root
        self.transfers = transfers
        self.logger = logger
    }

    /// Partial files of fetches that nobody has taken up again for this long are removed.
    static let abandonedAfter = Duration.seconds(7 * 24 * 3600)

    /// Removes what was left by fetches that were given up. Once at each start.
    func removeAbandoned() async {
        let limit = WallClock.milliseconds() / 1000 - Int(Self.abandonedAfter.components.seconds)
        do {
            _ = try root.entries().status(of: RootedDirectory.stagingName)
            let count = try root.stagingArea().removePartials(modifiedBefore: Int64(limit))
            if count > 0 { logger.info("removed partial files", metadata: ["count": "\(count)"]) }
        } catch  where error.reason == .notFound {
            // Nothing was ever fetched to here.
        } catch {
            logger.report(.partialFilesRemain, ["error": "\(error)"])
        }
    }

    /// Finds and fetches one file; cancelling leaves what has arrived for the next attempt.
    ///
    /// - Parameter report: Told about ten times a second how far it is.
    /// - Returns: The last progress, `done`.
    /// - Throws: ``Failure``, `FileFinder.Failure`.
    func run(
        _ request: Request, report: @escaping @Sendable (Progress) async throws -> Void
    ) async throws -> Progress {
        try await listed(as: request.wanted.path ?? "") { id in
            try await self.bring(request) { progress in
                self.running.note(progress, of: id)
                try await report(progress)
            }
        }
    }

    /// Runs `body` as one of the transfers that are listed and can be cancelled.
    ///
    /// - Throws: ``Failure/busy``; what `body` throws.
    func listed<Result: Sendable>(
        as path: String, _ body: @escaping @Sendable (_ id: Int) async throws -> Result
    ) async throws -> Result {
        guard let (id, stop) = running.begin(path: path) else { throw Failure.busy }
        defer { running.end(id) }
        return try await withThrowingTaskGroup(of: Result.self) { group in
            group.addTask { try await body(id) }
            group.addTask {
                for await _ in stop {}
                try Task.checkCancellation()
                throw self.cancelled(id)
            }
            defer { group.cancelAll() }
            guard let result = try await group.next() else {
                preconditionFailure("a group of two has no result")
            }
            return result
        }
    }

    /// Brings one file of a peer for somebody who is listed already.
    func bring(_ path: String, from peer: String, replacing: Bool) async throws {
        _ = try await bring(
            Request(
                wanted: FileFinder.Wanted(path: path, sha256: nil, peer: peer),
                target: .sharedDirectory(replacing: replacing))
        ) { _ in }
    }

    private func cancelled(_ id: Int) -> Failure {
        let progress = running.progress(of: id)
        return .failed(
            path: progress?.path ?? "",
            reason: "cancelled by somebody; the next attempt continues where this one stopped",
            received: progress?.received ?? 0, size: progress?.size)
    }

    private func bring(
        _ request: Request, report: @escaping @Sendable (Progress) async throws -> Void
    ) async throws -> Progress {
        let begin = ContinuousClock.now
        try await report(
            Progress(stage: .finding, path: request.wanted.path ?? "", elapsed: .zero))
        let found = try await FileFinder(peer: peer, links: links).find(request.wanted)
        return try await transfers.counted(.received) {
            try await fetch(found, for: request, begin: begin, report: report)
        }
    }

    private func fetch(
        _ found: FileFinder.Found, for request: Request, begin: ContinuousClock.Instant,
        report: @escaping @Sendable (Progress) async throws -> Void
    ) async throws -> Progress {
        var last = Progress(
            stage: .receiving, path: found.path, size: found.size, sha256: found.sha256,
            elapsed: .now - begin)
        try await report(last)
        let result = try await receive(found, for: request) { [last] reception in
            try await Self.follow(reception, from: last, begin: begin, report: report)
        }
        transfers.add(.received, bytes: result.received)
        if case .sharedDirectory = request.target {
            await peer.catalog.published(try RelativePath(found.path), sha256: found.sha256)
        }
        last.stage = .done
        last.received = result.size
        last.resumed = result.resumed
        last.source = result.peer
        last.elapsed = .now - begin
        logger.report(
            .transferDone,
            [
                "transfer": "\(found.path)", "bytes": "\(result.size)", "sha256": "\(found.sha256)",
                "milliseconds": "\(last.elapsed.wholeMilliseconds)",
            ].merging(Self.source(result.peer, of: found)) { first, _ in first })
        return last
    }

    /// The fields of the peer that gave the bytes; none where all had come before.
    private static func source(_ name: String?, of found: FileFinder.Found) -> Logger.Metadata {
        guard let holder = found.holders.first(where: { $0.peer.name == name }) else { return [:] }
        return ["peer": "\(holder.peer.url)", "peer_name": "\(holder.peer.name)"]
    }

    /// Passes the newest progress on, about ten times a second, until the fetch has ended.
    private static func follow(
        _ reception: any Reception, from first: Progress, begin: ContinuousClock.Instant,
        report: @escaping @Sendable (Progress) async throws -> Void
    ) async throws {
        for await now in reception.progress {
            var progress = first
            progress.received = now.received
            progress.source = now.peer
            progress.elapsed = .now - begin
            if now.received == now.size { progress.stage = .verifying }
            try await report(progress)
            do {
                try await Task.sleep(for: .milliseconds(100))
            } catch {
                return
            }
        }
    }

    func destination(
        of found: FileFinder.Found, _ target: Target
    ) throws -> any FetchDestination {
        switch target {
        case .sharedDirectory(let replacing):
            guard let key = StagingArea.Key(found.sha256) else {
                preconditionFailure("\(found.sha256) is no SHA-256")
            }
            return StagedDestination(
                root: root, staging: try root.stagingArea(), key: key,
                name: try RelativePath(found.path), conflict: replacing ? .replace : .refuse)
        case .descriptor(let descriptor):
            return DescriptorDestination(
                descriptor: FileDescriptor(rawValue: descriptor.rawValue), path: found.path,
                resume: true)
        }
    }

    func failure(
        _ error: FetchError, _ found: FileFinder.Found, received: Int64
    ) -> Failure {
        if case .alreadyExists(let path) = error { return .alreadyExists(path: path) }
        logger.report(
            .transferFailed,
            [
                "transfer": "\(found.path)", "reason": "\(error)", "bytes": "\(received)",
                "size": "\(found.size)", "sha256": "\(found.sha256)",
                "peers": "\(found.holders.map(\.peer.name).joined(separator: ","))",
            ].merging(
                Self.source(
                    found.holders.count == 1 ? found.holders.first?.peer.name : nil, of: found)
            ) { first, _ in first })
        return .failed(
            path: found.path, reason: "\(error)", received: received, size: found.size)
    }
}
