import Locking

/// Received bytes on their way to the disk: one producer, one consumer, and a bound.
///
/// Chunks are gathered into batches, so that the change of threads that a write costs comes once
/// a megabyte. With `batchesMax` batches waiting the producer waits, and with it the source.
final class BatchQueue: Sendable {
    /// One write of a batch, in bytes: large enough that a change of threads does not show.
    static let batchBytes = 1 << 20
    /// One is being written meanwhile, so a transfer holds at most 4 MiB.
    static let batchesMax = 2

    private struct State {
        var gathered: [[UInt8]] = []
        var gatheredBytes = 0
        var batches: [[[UInt8]]] = []
        var isFinished = false
        var isAbandoned = false
        var producer: CheckedContinuation<Void, Never>?
        var consumer: CheckedContinuation<[[UInt8]]?, Never>?
    }

    private let state = Locked(State())

    /// Takes a chunk; waits while the disk is behind.
    func push(_ chunk: [UInt8]) async {
        let isFull = state.withLock { state in
            state.gathered.append(chunk)
            state.gatheredBytes += chunk.count
            if state.gatheredBytes >= Self.batchBytes { Self.handOver(&state) }
            return state.batches.count >= Self.batchesMax
        }
        guard isFull else { return }
        await withCheckedContinuation { continuation in
            let isFull = state.withLock { state in
                guard state.batches.count >= Self.batchesMax, !state.isFinished
                else { return false }
                precondition(state.producer == nil, "a second producer")
                state.producer = continuation
                return true
            }
            if !isFull { continuation.resume() }
        }
    }

    /// Batches that wait for the consumer.
    var waiting: Int { state.withLock { $0.batches.count } }

    /// Whether the producer waits for the disk.
    var isFull: Bool { state.withLock { $0.producer != nil } }

    /// Whether the consumer is gone, so that reading on is of no use.
    var isAbandoned: Bool { state.withLock { $0.isAbandoned } }

    /// Nothing more comes; what is gathered is the last batch.
    func finish() {
        state.withLock { state in
            Self.handOver(&state)
            state.isFinished = true
            state.consumer?.resume(returning: nil)
            state.consumer = nil
        }
    }

    /// The consumer takes no more: whatever comes is dropped.
    func abandon() {
        state.withLock { state in
            state.isFinished = true
            state.isAbandoned = true
            state.batches = []
            state.producer?.resume()
            state.producer = nil
        }
    }

    /// The next batch; nil when there is none and none will come.
    func next() async -> [[UInt8]]? {
        await withCheckedContinuation { continuation in
            state.withLock { state in
                if !state.batches.isEmpty {
                    continuation.resume(returning: state.batches.removeFirst())
                    state.producer?.resume()
                    state.producer = nil
                } else if state.isFinished {
                    continuation.resume(returning: nil)
                } else {
                    precondition(state.consumer == nil, "a second consumer")
                    state.consumer = continuation
                }
            }
        }
    }

    private static func handOver(_ state: inout State) {
        guard !state.gathered.isEmpty, !state.isFinished else { return }
        if let consumer = state.consumer {
            state.consumer = nil
            consumer.resume(returning: state.gathered)
        } else {
            state.batches.append(state.gathered)
        }
        state.gathered = []
        state.gatheredBytes = 0
    }
}
