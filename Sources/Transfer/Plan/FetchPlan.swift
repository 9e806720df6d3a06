/// Decides from which source the next byte of one file comes, and when the file is done.
///
/// One source at a time, each continuing where the one before it stopped. The whole file's SHA-256
/// is the only proof there is, so bytes of unclear origin cost one more start from zero, and only
/// a source that sent every byte of a wrong file is proved guilty. For sources that give no manifest;
/// the others are ``DownloadPlan``'s.
///
/// Pure: the caller performs the effects in order and reports what happened. It ends always:
/// every source fails at most `connectionAttemptsMax` times without `progressMin` bytes in between, and
/// is granted one start from zero.
package struct FetchPlan: Sendable {
    package enum Event: Hashable, Sendable {
        /// So many bytes are there from an earlier run.
        case started(partialBytes: Int64)
        /// The open source sent a chunk. With no effect in answer the bytes are to be kept; with
        /// any, this chunk is dropped.
        case chunkReceived(bytes: Int)
        /// The stream ended as it should.
        case sourceEnded
        /// Worth another try later.
        case sourceFailed(FetchReason)
        /// It does not have the file, or does not give it to us.
        case sourceRefused(reason: String)
        case waitEnded
        case verified
        /// The bytes have another SHA-256.
        case mismatched
        case published
        /// The name is taken.
        case publishRefused
        /// Writing, reading or publishing failed here.
        case diskFailed
        case cancelled
    }

    package enum Effect: Hashable, Sendable {
        /// Cut the partial file to this length; 0 discards it.
        case truncate(to: Int64)
        /// Ask source number `source` for its bytes from `offset` to its end.
        case open(source: Int, offset: Int64)
        /// Read no more of the open source.
        case close
        /// Send `waitEnded` then.
        case wait(Duration)
        /// Compare the SHA-256 of all bytes: `verified` or `mismatched`.
        case verify
        /// `published`, `publishRefused` or `diskFailed`.
        case publish
        case finish(FetchOutcome)
    }

    enum State: Hashable, Sendable {
        case idle
        case waiting(source: Int)
        /// `from`: where this source began.
        case receiving(source: Int, from: Int64)
        /// `last`: who sent the last bytes, nil when all were there.
        case verifying(last: Int?)
        case publishing
        case finished
    }

    /// What is known of one source.
    private struct Record: Sendable {
        let candidate: FetchCandidate
        var failures = 0
        var isOut = false
        var hasRestarted = false
        var reason: FetchReason?
    }

    let configuration: FetchConfiguration
    private(set) var state = State.idle
    /// Bytes that are there, of earlier runs and of all sources.
    package private(set) var offset: Int64 = 0
    private var records: [Record]
    /// Whose bytes these are.
    private var contributors: Set<Int> = []
    private var hasOldBytes = false

    /// - Parameter candidates: Best first; each said to have the file. Who announces another size
    ///   than the first is measured by its own word.
    package init(candidates: [FetchCandidate], configuration: FetchConfiguration) {
        self.configuration = configuration
        records = candidates.map { Record(candidate: $0) }
    }

    /// Takes one event and returns what is to be done, in this order. What is late changes nothing.
    package mutating func handle(_ event: Event) -> [Effect] {
        switch (state, event) {
        case (.finished, _):
            return []
        case (_, .cancelled):
            return closing + finish(.cancelled)
        case (_, .diskFailed):
            return closing + finish(.diskFailed)

        case (.idle, .started(let partialBytes)):
            return start(partialBytes)
        case (.waiting(let source), .waitEnded):
            return open(source)

        case (.receiving(let source, _), .chunkReceived(let bytes)):
            return receive(bytes, from: source)
        case (.receiving(let source, _), .sourceEnded):
            return end(source, .endedShort(missing: records[source].candidate.size - offset))
        case (.receiving(let source, _), .sourceFailed(let reason)):
            return end(source, reason)
        case (.receiving(let source, _), .sourceRefused(let reason)):
            rule(out: source, .refused(reason))
            return next()

        case (.verifying, .verified):
            state = .publishing
            return [.publish]
        case (.verifying(let last), .mismatched):
            return blame(last)

        case (.publishing, .published):
            return finish(.done)
        case (.publishing, .publishRefused):
            return finish(.alreadyExists)

        case (.idle, _), (.waiting, _), (.receiving, _), (.verifying, _), (.publishing, _):
            return []
        }
    }

    private mutating func start(_ partialBytes: Int64) -> [Effect] {
        guard let size = records.first?.candidate.size else {
            return finish(.sourcesFailed([]))
        }
        offset = min(max(partialBytes, 0), size)
        hasOldBytes = offset > 0
        let cut: [Effect] = partialBytes > size ? [.truncate(to: size)] : []
        if offset == size {
            state = .verifying(last: nil)
            return cut + [.verify]
        }
        return cut + next()
    }

    private mutating func receive(_ bytes: Int, from source: Int) -> [Effect] {
        guard bytes > 0 else { return [] }
        let size = records[source].candidate.size
        if offset == size {
            // All is there, whatever it goes on to say.
            state = .verifying(last: source)
            return [.close, .verify]
        }
        guard Int64(bytes) <= size - offset else {
            rule(out: source, .sentTooMuch)
            return [.close] + next()
        }
        offset += Int64(bytes)
        contributors.insert(source)
        return []
    }

    /// The stream is over. With all bytes there it does not matter how.
    private mutating func end(_ source: Int, _ reason: FetchReason) -> [Effect] {
        if offset == records[source].candidate.size {
            state = .verifying(last: source)
            return [.verify]
        }
        fail(source, reason)
        return next()
    }

    private mutating func fail(_ source: Int, _ reason: FetchReason) {
        if case .receiving(source, let from) = state, offset - from >= configuration.progressMin {
            records[source].failures = 0
        }
        records[source].failures += 1
        records[source].reason = reason
        if records[source].failures >= attemptsMax(reason) {
            records[source].isOut = true
        }
    }

    private func attemptsMax(_ reason: FetchReason) -> Int {
        switch reason {
        case .failed: configuration.connectionAttemptsMax
        case .refused, .stalled, .endedShort, .sentTooMuch, .mismatch, .shorterThanReceived,
            .notTried, .badPiece, .badManifest, .manifestMismatch, .lacksPieces:
            configuration.attemptsMax
        }
    }

    private mutating func rule(out source: Int, _ reason: FetchReason) {
        records[source].isOut = true
        records[source].reason = reason
    }

    /// The whole has another SHA-256 than it should.
    private mutating func blame(_ last: Int?) -> [Effect] {
        let isProved = last.map { contributors == [$0] } == true && !hasOldBytes
        forgetBytes()
        guard let last else { return [.truncate(to: 0)] + next() }
        if isProved {
            rule(out: last, .mismatch)
        } else if !records[last].hasRestarted {
            records[last].hasRestarted = true
            return [.truncate(to: 0)] + open(last)
        } else {
            fail(last, .mismatch)
        }
        return [.truncate(to: 0)] + next()
    }

    private mutating func forgetBytes() {
        offset = 0
        contributors = []
        hasOldBytes = false
    }

    /// The source that failed least, the better one among equals; after a pause if it did fail.
    private mutating func next() -> [Effect] {
        let usable = records.indices.filter { !records[$0].isOut }
        guard let source = usable.min(by: { records[$0].failures < records[$1].failures })
        else { return finish(.sourcesFailed(failures)) }
        guard records[source].failures > 0 else { return open(source) }
        state = .waiting(source: source)
        return [.wait(pause(after: records[source].failures))]
    }

    /// One whose file is no longer than what is there starts from zero, once: it cannot go on, and
    /// who says that the file is longer may be the one that lies.
    private mutating func open(_ source: Int) -> [Effect] {
        if offset > 0, records[source].candidate.size <= offset {
            guard !records[source].hasRestarted else {
                rule(out: source, .shorterThanReceived)
                return next()
            }
            records[source].hasRestarted = true
            forgetBytes()
            return [.truncate(to: 0)] + open(source)
        }
        if records[source].candidate.size == 0 {
            state = .verifying(last: source)
            contributors.insert(source)
            return [.verify]
        }
        state = .receiving(source: source, from: offset)
        return [.open(source: source, offset: offset)]
    }

    private func pause(after failures: Int) -> Duration {
        min(configuration.backoffMin * (1 << min(failures - 1, 16)), configuration.backoffMax)
    }

    private var failures: [FetchFailure] {
        records.map { record in
            FetchFailure(
                peer: record.candidate.peer, path: record.candidate.path,
                reason: record.reason ?? .notTried)
        }
    }

    private var closing: [Effect] {
        if case .receiving = state { [.close] } else { [] }
    }

    private mutating func finish(_ outcome: FetchOutcome) -> [Effect] {
        state = .finished
        return [.finish(outcome)]
    }
}
