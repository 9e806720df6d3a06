import GRPCCore
import NIOCore

/// The sending half of a stream: its outbox and the one writer that may wait for room in it.
///
/// Lives on the event loop.
struct StreamBody {
    private var outbox = Outbox()
    private var writer: CheckedContinuation<Void, any Error>?
    private var failure: RPCError?
    private var fetch: Fetch?

    /// A part of a file that is on its way into memory.
    private final class Fetch {
        var isDone = false
    }

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

    /// What a stream does about its next frame.
    enum Filling {
        case plan(DataPlan)
        /// A file ends before the bytes that were promised of it: the queue is gone, and what has been
        /// sent must not be taken for all.
        case fileEnded(RPCError)
    }

    /// Puts what is queued into `frame`.
    ///
    /// - Parameter resume: Called on the event loop when a part of a file that was waited for is in memory.
    mutating func fill(
        _ frame: inout DataFrame, on connection: HTTP2ConnectionHandler,
        resume: @escaping () -> Void
    ) -> Filling {
        if let fetch, !fetch.isDone { return .plan(.deferred) }
        switch outbox.fill(&frame) {
        case .plan(let plan):
            wakeWriter()
            return .plan(plan)
        case .needsFetch(let plan):
            wakeWriter()
            if let eventLoop = connection.channel?.eventLoop { startFetch(on: eventLoop, resume) }
            return .plan(plan)
        case .fileEnded:
            outbox.discardQueued()
            let error = RPCError(
                code: .aborted, message: "a file became shorter while it was sent")
            fail(error)
            return .fileEnded(error)
        }
    }

    private mutating func wakeWriter() {
        if !outbox.isFull { writer.take()?.resume() }
    }

    private mutating func startFetch(
        on eventLoop: any EventLoop, _ resume: @escaping () -> Void
    ) {
        let fetch = Fetch()
        self.fetch = fetch
        outbox.fetch(on: eventLoop)?.assumeIsolated().whenComplete { _ in
            fetch.isDone = true
            resume()
        }
    }
}
