import Locking
import LogMessages
import Logging
import RootedFiles
import Synchronization

/// How far a fetch is.
package struct FetchProgress: Hashable, Sendable {
    /// Bytes on this host's disk.
    package var received: Int64
    package var size: Int64
    /// The peer that sends at the moment.
    package var peer: String?
}

/// What a fetch did.
package struct FetchResult: Hashable, Sendable {
    package var size: Int64
    /// Bytes that came over the network, wrong ones included.
    package var received: Int64
    /// Bytes of an earlier run that were used.
    package var resumed: Int64
    /// The peer that sent the last of them; nil when all was there.
    package var peer: String?
}

/// Brings one file here: performs a ``FetchPlan`` over sources and a destination.
///
/// Holds at most 4 MiB of received bytes. How many fetches run at once is the daemon's to bound.
package final class Fetch: Sendable {
    /// A candidate, and the way to it.
    package struct Source: Sendable {
        package let candidate: FetchCandidate
        package let reader: any FileSource

        package init(candidate: FetchCandidate, reader: any FileSource) {
            self.candidate = candidate
            self.reader = reader
        }
    }

    /// Newest only: who looks seldom sees the present. Ends with the fetch.
    package let progress: AsyncStream<FetchProgress>

    let sha256: String
    let sources: [Source]
    let configuration: FetchConfiguration
    let sleep: @Sendable (Duration) async throws -> Void
    let bytes: FetchedBytes
    let plan: Locked<FetchPlan>
    let received = Atomic<Int64>(0)
    private let destinationPath: String
    /// The peer that was opened last.
    private let sender = Locked<String?>(nil)
    private let logger: Logger
    private let progressContinuation: AsyncStream<FetchProgress>.Continuation
    /// Why the disk failed, for the outcome that says only that it did.
    private let diskError = Locked<FetchError?>(nil)
    /// What the plan said when it did not want a chunk; nil while it wants them. Kept here and not
    /// in the error that ends the stream, which a transport may replace by its own.
    let unwanted = Locked<[FetchPlan.Effect]?>(nil)

    /// - Parameters:
    ///   - sha256: 64 lower-case hexadecimal digits, of the whole file.
    ///   - sources: Best first.
    ///   - sleep: The clock; tests bring their own.
    package init(
        sha256: String, sources: [Source], destination: any FetchDestination,
        configuration: FetchConfiguration = FetchConfiguration(), logger: Logger,
        sleep: @escaping @Sendable (Duration) async throws -> Void = {
            try await Task.sleep(for: $0)
        }
    ) {
        self.sha256 = sha256
        self.sources = sources
        self.configuration = configuration
        self.logger = logger
        self.sleep = sleep
        destinationPath = destination.path
        bytes = FetchedBytes(destination: destination)
        plan = Locked(
            FetchPlan(candidates: sources.map(\.candidate), configuration: configuration))
        (progress, progressContinuation) = AsyncStream.makeStream(
            bufferingPolicy: .bufferingNewest(1))
    }

    /// Bytes that are on this host's disk now.
    package var receivedBytes: Int64 { bytes.count }

    /// Runs to the end. To be called once. Cancelling its task leaves the partial file, and the
    /// next fetch continues it.
    package func run() async throws(FetchError) -> FetchResult {
        defer {
            bytes.close()
            progressContinuation.finish()
        }
        let resumed = try await open()
        let outcome = await perform(handle(.started(partialBytes: resumed)))
        switch outcome {
        case .done:
            return FetchResult(
                size: bytes.count, received: received.load(ordering: .relaxed), resumed: resumed,
                peer: sender.withLock { $0 })
        case .alreadyExists: throw .alreadyExists(path: destinationPath)
        case .sourcesFailed(let failures): throw await left(.sourcesFailed(failures))
        case .diskFailed:
            guard let error = diskError.withLock({ $0 }) else {
                preconditionFailure("\(destinationPath): the disk failed without an error")
            }
            throw await left(error)
        case .cancelled: throw await left(.cancelled)
        }
    }

    /// Gives the room back that the failed fetch does not need for being continued.
    private func left(_ error: FetchError) async -> FetchError {
        do {
            try await bytes.giveRoomBack(all: error.spoilsPartial)
        } catch {
            logger.report(
                .partialFilesRemain, ["error": "\(error)", "transfer": "\(destinationPath)"])
        }
        return error
    }

    private func open() async throws(FetchError) -> Int64 {
        let resumed: Int64
        do {
            resumed = try await bytes.open()
        } catch {
            throw fetchError(error)
        }
        do {
            if let size = sources.first?.candidate.size { try await bytes.reserve(size) }
            return resumed
        } catch {
            throw await left(fetchError(error))
        }
    }

    func handle(_ event: FetchPlan.Event) -> [FetchPlan.Effect] {
        plan.withLock { $0.handle(event) }
    }

    private func perform(_ first: [FetchPlan.Effect]) async -> FetchOutcome {
        var effects = first[...]
        while let effect = effects.popFirst() {
            switch effect {
            case .finish(let outcome):
                return outcome
            case .open(let source, let offset):
                report(source)
                // A stream always ends with an event, so nothing else is due meanwhile.
                effects += await receive(source, from: offset)
            case .close:
                // The chunk that the plan did not want has ended the stream already.
                continue
            case .truncate(let size):
                effects += await attempt { try await self.bytes.truncate(to: size) }
            case .wait(let pause):
                effects += await attempt(.waitEnded) { try await self.sleep(pause) }
            case .verify:
                effects += handle(bytes.digest == sha256 ? .verified : .mismatched)
            case .publish:
                effects += await attempt(.published) { try await self.bytes.publish() }
            }
        }
        preconditionFailure("the plan of \(destinationPath) stopped without an outcome")
    }

    /// Does what may fail here, and turns the failure into its event.
    private func attempt(
        _ success: FetchPlan.Event? = nil, _ work: () async throws -> Void
    ) async -> [FetchPlan.Effect] {
        do {
            try await work()
            return success.map(handle) ?? []
        } catch {
            return fail(error)
        }
    }

    /// An error of this side as an event.
    func fail(_ error: any Error) -> [FetchPlan.Effect] {
        if error is CancellationError { return handle(.cancelled) }
        if let error = error as? RootedFileError, error.reason == .exists {
            return handle(.publishRefused)
        }
        diskError.withLock { $0 = fetchError(error) }
        return handle(.diskFailed)
    }

    private func fetchError(_ error: any Error) -> FetchError {
        switch error {
        case let error as FetchError: error
        case let error as RootedFileError: bytes.diskError(error)
        default: .cancelled
        }
    }

    /// Tells who watches how far it is.
    func report(_ source: Int) {
        let candidate = sources[source].candidate
        sender.withLock { $0 = candidate.peer }
        progressContinuation.yield(
            FetchProgress(received: bytes.count, size: candidate.size, peer: candidate.peer))
    }

    func log(_ source: Int, _ reason: FetchReason) {
        let candidate = sources[source].candidate
        logger.report(
            .sourceFailed,
            [
                "peer_name": "\(candidate.peer)", "path": "\(candidate.path)",
                "reason": "\(reason)",
                "transfer": "\(destinationPath)",
            ])
    }
}
