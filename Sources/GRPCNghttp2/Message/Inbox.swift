import DequeModule
import GRPCCore
import Locking

/// What a stream has received and nobody has taken yet: one writer (the event loop), one reader.
///
/// Bounded by the stream's flow-control window: the reader's taking is what gives the sender credit.
final class Inbox<Part: Sendable>: AsyncSequence, Sendable {
    private struct State {
        var parts: Deque<(part: Part, bytes: Int)> = []
        var reader: CheckedContinuation<(Part, Int)?, any Error>?
        var end: Result<Void, RPCError>?
        var credit: (@Sendable (Int) -> Void)?
        /// Bytes taken that the sender has no credit for yet.
        var uncredited = 0
    }

    private let state = Locked(State())
    /// Credit is given in steps of this many bytes: each may cost a hop to the event loop.
    private let creditStepBytes: Int

    /// - Parameter windowBytes: The stream's flow-control window. An eighth of it makes a step, so that with
    ///   what the deframer holds back the sender never waits for credit that waits for a step.
    init(windowBytes: Int) {
        creditStepBytes = Swift.min(windowBytes / 8, 32 * 1024)
    }

    /// - Parameter credit: Told how many bytes were taken; runs in the reader's task. Dropped once the
    ///   sequence has ended: a sender that is done needs no credit, and the closure holds the stream that
    ///   holds this.
    func creditSender(_ credit: @escaping @Sendable (Int) -> Void) {
        state.withLock { state in
            if state.end == nil { state.credit = credit }
        }
    }

    func append(_ part: Part, bytes: Int) {
        let reader = state.withLock { state -> CheckedContinuation<(Part, Int)?, any Error>? in
            guard state.end == nil else { return nil }
            if let reader = state.reader.take() { return reader }
            state.parts.append((part, bytes))
            return nil
        }
        reader?.resume(returning: (part, bytes))
    }

    /// Ends the sequence after what is queued; the first end counts.
    func finish(_ end: Result<Void, RPCError>) {
        let reader = state.withLock { state -> CheckedContinuation<(Part, Int)?, any Error>? in
            guard state.end == nil else { return nil }
            state.end = end
            state.credit = nil
            return state.reader.take()
        }
        switch end {
        case .success: reader?.resume(returning: nil)
        case .failure(let error): reader?.resume(throwing: error)
        }
    }

    func next() async throws -> Part? {
        let taken = try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let ready = state.withLock { state -> Result<(Part, Int)?, any Error>? in
                    precondition(state.reader == nil, "two readers of one stream")
                    if let first = state.parts.popFirst() { return .success(first) }
                    switch state.end {
                    case .success: return .success(nil)
                    case .failure(let error): return .failure(error)
                    case nil:
                        if Task.isCancelled { return .failure(CancellationError()) }
                        state.reader = continuation
                        return nil
                    }
                }
                if let ready { continuation.resume(with: ready) }
            }
        } onCancel: {
            state.withLock { $0.reader.take() }?.resume(throwing: CancellationError())
        }
        guard let (part, bytes) = taken else { return nil }
        creditTaken(bytes)
        return part
    }

    private func creditTaken(_ bytes: Int) {
        let due = state.withLock { state -> (credit: @Sendable (Int) -> Void, bytes: Int)? in
            state.uncredited += bytes
            guard state.uncredited >= creditStepBytes, let credit = state.credit else {
                return nil
            }
            defer { state.uncredited = 0 }
            return (credit, state.uncredited)
        }
        if let due { due.credit(due.bytes) }
    }

    struct AsyncIterator: AsyncIteratorProtocol {
        let inbox: Inbox

        func next() async throws -> Part? {
            try await inbox.next()
        }

        func next(isolation actor: isolated (any Actor)?) async throws(any Error) -> Part? {
            try await inbox.next()
        }
    }

    func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(inbox: self)
    }
}
