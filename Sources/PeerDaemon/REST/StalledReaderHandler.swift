import NIOCore

/// Closes the connection of a client that does not take its answers.
///
/// Hummingbird's own idle timeout covers clients that do not send; while an answer is written it
/// waits for ever. Here each part that was written must have left for the socket at the latest
/// `timeout` after the part before it: with parts of 256 KiB and 60 s, a client that takes less
/// than 4.3 KiB/s is cut off.
///
/// After the last answer of a connection the client has `lingering` to close its side.
///
/// A close of the whole connection waits for parts that are still on their way to the socket, at most
/// ``closingDelayMax``: Hummingbird closes right behind the last part, which would throw them away.
final class StalledReaderHandler: ChannelOutboundHandler, RemovableChannelHandler {
    typealias OutboundIn = Never

    private let timeout: TimeAmount
    private let lingering: TimeAmount
    private var unsent = 0
    private var lastProgress = NIODeadline.uptimeNanoseconds(0)
    private var timer: Scheduled<Void>?
    /// Does a close that waits.
    private var pendingClose: (() -> Void)?

    /// Short, for a daemon that stops may wait for it.
    private static let closingDelayMax = TimeAmount.seconds(2)

    init(timeout: TimeAmount, lingering: TimeAmount) {
        self.timeout = timeout
        self.lingering = lingering
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let sent = promise ?? context.eventLoop.makePromise()
        let loop = context.eventLoop
        if unsent == 0 { lastProgress = loop.now }
        unsent += 1
        sent.futureResult.assumeIsolated().whenComplete { _ in
            self.unsent -= 1
            self.lastProgress = loop.now
            if self.unsent == 0 { self.pendingClose.take()?() }
        }
        if timer == nil { schedule(at: lastProgress + timeout, context) }
        context.write(data, promise: sent)
    }

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        if mode == .output {
            timer?.cancel()
            timer = context.eventLoop.assumeIsolated().scheduleTask(in: lingering) {
                context.close(promise: nil)
            }
        }
        guard mode == .all, unsent > 0, pendingClose == nil else {
            context.close(mode: mode, promise: promise)
            return
        }
        pendingClose = { context.close(mode: .all, promise: promise) }
        context.eventLoop.assumeIsolated().scheduleTask(in: Self.closingDelayMax) {
            self.pendingClose.take()?()
        }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        timer?.cancel()
        timer = nil
    }

    private func schedule(at deadline: NIODeadline, _ context: ChannelHandlerContext) {
        timer = context.eventLoop.assumeIsolated().scheduleTask(deadline: deadline) {
            self.timer = nil
            guard self.unsent > 0 else { return }
            let deadline = self.lastProgress + self.timeout
            if context.eventLoop.now >= deadline {
                context.close(promise: nil)
            } else {
                self.schedule(at: deadline, context)
            }
        }
    }
}
