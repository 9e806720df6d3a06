import NIOCore

/// Keeps a connection that has had no answer yet open when the server quiesces.
///
/// Its request may be on the way: closing now would reset a client that was let in. So the news goes on
/// to the HTTP handlers with the first byte of the first answer, or after `patience`, when they go on
/// with a request that is at work and close a connection that has none.
final class FirstAnswerHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = IOData
    typealias OutboundOut = IOData

    /// A request follows its connection at once; this is some round trips (guess).
    static let patience = TimeAmount.seconds(1)

    private enum State {
        case unanswered
        /// Quiescing, and the news held back.
        case waiting(Scheduled<Void>)
        case answered
    }

    private var state = State.unanswered

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard event is ChannelShouldQuiesceEvent else {
            return context.fireUserInboundEventTriggered(event)
        }
        switch state {
        case .unanswered:
            let timer = context.eventLoop.assumeIsolated().scheduleTask(in: Self.patience) {
                self.quiesce(context)
            }
            state = .waiting(timer)
        case .waiting:
            return
        case .answered:
            context.fireUserInboundEventTriggered(event)
        }
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch state {
        case .unanswered: state = .answered
        case .waiting: quiesce(context)
        case .answered: break
        }
        context.write(data, promise: promise)
    }

    func channelInactive(context: ChannelHandlerContext) {
        if case .waiting(let timer) = state { timer.cancel() }
        state = .answered
        context.fireChannelInactive()
    }

    private func quiesce(_ context: ChannelHandlerContext) {
        guard case .waiting(let timer) = state else { return }
        timer.cancel()
        state = .answered
        context.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
    }
}
