import Synchronization

@testable import Transfer

/// The clock of a test: pauses between attempts pass at once; a stall is noticed when `isStalled`
/// says so, and never by time.
final class TestClock: Sendable {
    private struct State {
        var isStalled = false
        var watchers: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())
    let stallTimeout = Duration.seconds(15)

    /// Lets the watches of a stall run out, until it is set to false again.
    func setStalled(_ isStalled: Bool) {
        let watchers = state.withLock { state in
            state.isStalled = isStalled
            defer { state.watchers = [] }
            return state.watchers
        }
        for watcher in watchers { watcher.resume() }
    }

    @Sendable func sleep(_ duration: Duration) async throws {
        guard duration == stallTimeout else { return await Task.yield() }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let mustWait = state.withLock { state in
                    if state.isStalled || Task.isCancelled { return false }
                    state.watchers.append(continuation)
                    return true
                }
                if !mustWait { continuation.resume() }
            }
        } onCancel: {
            // Wakes all; who was not cancelled sees progress or sleeps on.
            let watchers = state.withLock { state in
                defer { state.watchers = [] }
                return state.watchers
            }
            for watcher in watchers { watcher.resume() }
        }
        try Task.checkCancellation()
    }
}

/// A source with its bytes in memory, honest or not.
final class MemorySource: FileSource {
    enum Manner: Sendable {
        case honest
        /// Sends only so many bytes and ends as if that were all.
        case short(Int)
        /// Sends its bytes again and again.
        case endless
        /// Sends so many bytes, then nothing, until it is cancelled.
        case stalls(after: Int)
        /// Sends so many bytes, then waits for its cancellation, which it tells beforehand.
        case waits(after: Int)
        case refuses(String)
        /// Sends so many bytes, then fails; honest from the second time on.
        case failsOnce(after: Int)
    }

    let bytes: [UInt8]
    let manner: Manner
    let chunkBytes: Int
    let clock: TestClock
    /// The offsets that were asked for.
    let offsets = Mutex<[Int64]>([])
    /// Says when a waiting source has sent what it sends.
    let isWaiting = AsyncStream<Void>.makeStream()

    init(
        _ bytes: [UInt8], _ manner: Manner = .honest, chunkBytes: Int = 64 << 10,
        clock: TestClock
    ) {
        self.bytes = bytes
        self.manner = manner
        self.chunkBytes = chunkBytes
        self.clock = clock
    }

    func read(
        sha256: String, path: String, from offset: Int64,
        onChunk: @escaping @Sendable ([UInt8]) async throws -> Void
    ) async throws {
        let attempt = offsets.withLock { offsets in
            offsets.append(offset)
            return offsets.count
        }
        switch manner {
        case .honest:
            try await send(bytes[Int(offset)...], onChunk)
        case .short(let count):
            try await send(bytes[Int(offset)..<max(count, Int(offset))], onChunk)
        case .endless:
            while true { try await send(bytes[...], onChunk) }
        case .stalls(let count):
            try await send(bytes[Int(offset)..<max(count, Int(offset))], onChunk)
            clock.setStalled(true)
            defer { clock.setStalled(false) }
            try await untilCancelled()
        case .waits(let count):
            try await send(bytes[Int(offset)..<count], onChunk)
            isWaiting.continuation.yield()
            try await untilCancelled()
        case .refuses(let reason):
            throw FileSourceError(.refused, reason)
        case .failsOnce(let count):
            let end = attempt == 1 ? count : bytes.count
            try await send(bytes[Int(offset)..<end], onChunk)
            if attempt == 1 { throw FileSourceError(.failed, "connection reset") }
        }
    }

    private func send(
        _ slice: ArraySlice<UInt8>, _ onChunk: @Sendable ([UInt8]) async throws -> Void
    ) async throws {
        var rest = slice
        while !rest.isEmpty {
            try Task.checkCancellation()
            try await onChunk(Array(rest.prefix(chunkBytes)))
            rest = rest.dropFirst(chunkBytes)
        }
    }

    /// A stream that nobody feeds ends with the cancellation.
    private func untilCancelled() async throws {
        let silence = AsyncStream<Void>.makeStream()
        for await _ in silence.stream {}
        try Task.checkCancellation()
    }
}
