import Locking
import LogMessages
import Logging
import RootedFiles
import Synchronization
import Transfer

/// The files that others are sending here, at most ``activeMax`` at once.
///
/// A file appears under its name when all of it is on the disk, or not at all: an upload that is
/// refused, cancelled, reset or stalled leaves nothing, and one that a crash ended is removed at the
/// next start.
final class Uploads: Sendable {
    /// Guess: each holds at most ``batchBytes`` and a stream's window.
    static let activeMax = 128
    /// One write, in bytes: a change of threads each.
    static let batchBytes = 256 * 1024

    enum Outcome: Sendable, Equatable {
        case kept(path: String, bytes: Int64)
        /// What the sender's user reads.
        case refused(reason: String)
    }

    /// What no sender's user can do anything about.
    enum Failure: Error, Equatable {
        /// The first chunk has no name, or there is none.
        case noName
        /// A later chunk has another name.
        case otherName(String)
        /// Nothing came for so long.
        case stalled(Duration)
    }

    private let node: any Node
    private let root: RootedDirectory
    private let transfers: TransferCounters
    private let logger: Logger
    private let stallTimeout: Duration
    private let isExcluded: @Sendable (RelativePath) -> Bool
    private let published: @Sendable (RelativePath, _ sha256: String) async -> Void
    private let active = Locked(0)

    /// - Parameters:
    ///   - published: Told of each file that is kept, so that it is found at once.
    ///   - stallTimeout: Of a sender that sends nothing; the disk may take longer.
    init(
        node: any Node, root: RootedDirectory, transfers: TransferCounters, logger: Logger,
        stallTimeout: Duration = .seconds(30),
        isExcluded: @escaping @Sendable (RelativePath) -> Bool,
        published: @escaping @Sendable (RelativePath, _ sha256: String) async -> Void
    ) {
        self.node = node
        self.root = root
        self.transfers = transfers
        self.logger = logger
        self.stallTimeout = stallTimeout
        self.isExcluded = isExcluded
        self.published = published
    }

    /// Removes what the last run of this daemon did not end. Once at each start.
    func removeAbandoned() {
        do {
            _ = try root.entries().status(of: RootedDirectory.stagingName)
            let count = try root.stagingArea().removeAbandonedUploads()
            if count > 0 {
                logger.info("removed parts of uploads", metadata: ["count": "\(count)"])
            }
        } catch  where error.reason == .notFound {
            // Nothing was ever received here.
        } catch {
            logger.report(.partialFilesRemain, ["error": "\(error)"])
        }
    }

    /// Receives one file; its sender has sent all of it when `chunks` ends without an error.
    ///
    /// - Parameter sender: For the log.
    /// - Throws: ``Failure``; what `chunks` throws; `CancellationError`. Nothing is kept then.
    func receive<Chunks: AsyncSequence & Sendable>(
        _ chunks: Chunks, from sender: String
    ) async throws -> Outcome where Chunks.Element == UploadChunk {
        let peer = node.identity.name
        let settings = node.settings.uploads
        guard settings.areAccepted else { return refuse("\(peer) takes no uploads", sender) }
        guard begin() else {
            return refuse("\(peer) is taking \(Self.activeMax) uploads; try again later", sender)
        }
        defer { active.withLock { $0 -= 1 } }
        let arrival = Arrival()
        return try await withThrowingTaskGroup(of: Outcome?.self) { group in
            group.addTask {
                try await self.receive(
                    chunks, from: sender, limits: settings.limits, arrival: arrival)
            }
            group.addTask {
                try await self.watch(arrival)
                return nil
            }
            defer { group.cancelAll() }
            guard let outcome = try await group.next() ?? nil else {
                preconditionFailure("an upload ended without an outcome")
            }
            return outcome
        }
    }

    private func begin() -> Bool {
        active.withLock { count in
            defer { if count < Self.activeMax { count += 1 } }
            return count < Self.activeMax
        }
    }

    private func refuse(_ reason: String, _ sender: String) -> Outcome {
        logger.info("upload refused", metadata: ["peer": "\(sender)", "reason": "\(reason)"])
        return .refused(reason: reason)
    }

    /// - Throws: ``Failure/stalled(_:)`` when nothing came for a whole `stallTimeout`; waiting for the
    ///   disk is no stall.
    private func watch(_ arrival: Arrival) async throws {
        while true {
            let before = arrival.chunks.load(ordering: .relaxed)
            try await Task.sleep(for: stallTimeout)
            let isIdle = arrival.chunks.load(ordering: .relaxed) == before
            if isIdle, !arrival.isWriting.load(ordering: .relaxed) {
                throw Failure.stalled(stallTimeout)
            }
        }
    }

    // MARK: - One upload

    private func receive<Chunks: AsyncSequence>(
        _ chunks: Chunks, from sender: String, limits: Upload.Limits, arrival: Arrival
    ) async throws -> Outcome where Chunks.Element == UploadChunk {
        var rest = chunks.makeAsyncIterator()
        guard let first = try await rest.next(), !first.name.isEmpty else { throw Failure.noName }
        do {
            let name = try UploadName.checked(first.name, isExcluded: isExcluded)
            let upload = try await Upload.begin(name, in: root, limits: limits)
            return try await transfers.counted(.received) {
                try await complete(
                    upload, Incoming(first: first), &rest, from: sender, arrival: arrival)
            }
        } catch let refusal as UploadName.Refusal {
            return refuse("\(Fault.quoted(first.name)): \(refusal.reason)", sender)
        } catch let error as UploadError {
            return refuse("\(node.identity.name): \(error)", sender)
        }
    }

    private func complete<Chunks: AsyncIteratorProtocol>(
        _ upload: Upload, _ incoming: Incoming, _ rest: inout Chunks, from sender: String,
        arrival: Arrival
    ) async throws -> Outcome where Chunks.Element == UploadChunk {
        let begin = ContinuousClock.now
        let sha256: String
        do {
            try await fill(upload, incoming, from: &rest, arrival: arrival)
            // The end of the chunks may have been the end of this task.
            try Task.checkCancellation()
            sha256 = try await arrival.writing { try await upload.publish() }
        } catch {
            await discard(upload, from: sender, because: error)
            throw error
        }
        let bytes = upload.count
        transfers.add(.received, bytes: bytes)
        await published(upload.name, sha256)
        logger.report(
            .uploadDone,
            [
                "transfer": "\(upload.name)", "bytes": "\(bytes)", "sha256": "\(sha256)",
                "peer": "\(sender)",
                "milliseconds": "\((ContinuousClock.now - begin).wholeMilliseconds)",
            ])
        return .kept(path: upload.name.string, bytes: bytes)
    }

    private func fill<Chunks: AsyncIteratorProtocol>(
        _ upload: Upload, _ first: Incoming, from rest: inout Chunks, arrival: Arrival
    ) async throws where Chunks.Element == UploadChunk {
        var incoming = first
        while let chunk = try await rest.next() {
            arrival.chunks.wrappingAdd(1, ordering: .relaxed)
            try incoming.take(chunk)
            guard incoming.bytes >= Self.batchBytes else { continue }
            let batch = incoming.removeAll()
            try await arrival.writing { try await upload.append(batch) }
        }
        let batch = incoming.removeAll()
        try await arrival.writing { try await upload.append(batch) }
    }

    private func discard(_ upload: Upload, from sender: String, because error: any Error) async {
        logger.report(
            .uploadFailed,
            [
                "transfer": "\(upload.name)", "bytes": "\(upload.count)", "peer": "\(sender)",
                "reason": "\(error)",
            ])
        do {
            try await upload.discard()
        } catch {
            logger.report(.partialFilesRemain, ["error": "\(error)"])
        }
    }
}

/// What one sender has sent, for whoever watches it.
private final class Arrival: Sendable {
    let chunks = Atomic<Int>(0)
    let isWriting = Atomic<Bool>(false)

    func writing<Result>(_ body: () async throws -> Result) async throws -> Result {
        isWriting.store(true, ordering: .relaxed)
        defer {
            isWriting.store(false, ordering: .relaxed)
            // What was written is progress, too.
            chunks.wrappingAdd(1, ordering: .relaxed)
        }
        return try await body()
    }
}

/// Chunks that came and are not written yet.
private struct Incoming {
    private let name: String
    private var chunks: [[UInt8]]
    private(set) var bytes: Int

    init(first: UploadChunk) {
        name = first.name
        chunks = [first.bytes]
        bytes = first.bytes.count
    }

    mutating func take(_ chunk: UploadChunk) throws(Uploads.Failure) {
        // Some send the name with every chunk.
        guard chunk.name.isEmpty || chunk.name == name else { throw .otherName(chunk.name) }
        chunks.append(chunk.bytes)
        bytes += chunk.bytes.count
    }

    mutating func removeAll() -> [[UInt8]] {
        defer {
            chunks = []
            bytes = 0
        }
        return chunks
    }
}
