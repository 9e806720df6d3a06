import GRPCCore
import NIOCore

/// The sending half of a stream: its outbox and the one writer that may wait for room in it.
///
/// Lives on the event loop.
struct StreamBody {
    private var outbox = Outbox()
    private var writer: CheckedContinuation<Void, any Error>?
    private var failure: RPCError?

    var isFull: Bool { outbox.isFull }
    var hasEnded: Bool { outbox.end != nil }
    /// Whether something, or the end, is still to be sent.
    var isWaiting: Bool { outbox.queuedBytes > 0 || outbox.end != nil }

    mutating func append(_ message: MessageBytes) throws(RPCError) {
        if let failure { throw failure }
        guard outbox.end == nil else {
            throw RPCError(code: .internalError, message: "message after the end of its stream")
        }
        outbox.append(message)
    }

    mutating func finish(_ end: Outbox.End, discardingQueued: Bool = false) {
        if discardingQueued { outbox.discardQueued() }
        outbox.finish(end)
    }

    /// Suspends the writer until there is room, or resumes it at once.
    mutating func wait(_ continuation: CheckedContinuation<Void, any Error>) {
        if let failure {
            continuation.resume(throwing: failure)
        } else if !outbox.isFull {
            continuation.resume()
        } else {
            precondition(writer == nil, "two writers wait on one stream")
            writer = continuation
        }
    }

    /// Wakes the writer with an error, and gives it to every later one.
    mutating func fail(_ error: RPCError) {
        if failure == nil { failure = error }
        writer.take()?.resume(throwing: error)
    }

    func plan(limit: Int) -> DataPlan {
        outbox.plan(limit: limit)
    }

    mutating func write(_ count: Int, into output: inout ByteBuffer) -> Bool {
        guard outbox.write(count, into: &output) else { return false }
        if !outbox.isFull { writer.take()?.resume() }
        return true
    }
}
