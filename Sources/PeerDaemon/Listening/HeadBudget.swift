import HTTPTypes
import NIOCore
import NIOHTTPTypes
import Synchronization

/// Bytes that the heads of requests may hold on all connections together, beyond a small one each.
///
/// The parser keeps a head until it is whole, and who sends it has shown nothing yet.
final class HeadBudget: Sendable {
    /// What every connection may have without asking.
    let freeBytes: Int
    private let left: Atomic<Int>

    init(bytes: Int, freeBytes: Int) {
        left = Atomic(bytes)
        self.freeBytes = freeBytes
    }

    fileprivate func take(_ bytes: Int) -> Bool {
        if left.subtract(bytes, ordering: .relaxed).newValue >= 0 { return true }
        left.add(bytes, ordering: .relaxed)
        return false
    }

    fileprivate func giveBack(_ bytes: Int) {
        left.add(bytes, ordering: .relaxed)
    }
}

/// Where one connection is in its requests; both of its handlers run on its event loop.
private final class HeadState {
    /// nil while a body arrives.
    var headBytes: Int? = 0
    var taken = 0
}

private final class HeadByteCounter: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private let budget: HeadBudget
    private let state: HeadState

    init(_ budget: HeadBudget, _ state: HeadState) {
        self.budget = budget
        self.state = state
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if let headBytes = state.headBytes {
            let bytes = headBytes + unwrapInboundIn(data).readableBytes
            state.headBytes = bytes
            let wanted = max(0, bytes - budget.freeBytes) - state.taken
            if wanted > 0 {
                guard budget.take(wanted) else { return context.close(promise: nil) }
                state.taken += wanted
            }
        }
        context.fireChannelRead(data)
    }

    func channelInactive(context: ChannelHandlerContext) {
        budget.giveBack(state.taken)
        state.taken = 0
        context.fireChannelInactive()
    }
}

/// Keeps a connection within a ``HeadBudget``; one that finds nothing left is closed. Stands behind
/// the parser, which shows where a head ends, and puts what counts the bytes before it.
final class HeadBudgetHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart

    private let budget: HeadBudget
    private let state = HeadState()

    init(budget: HeadBudget) {
        self.budget = budget
    }

    func handlerAdded(context: ChannelHandlerContext) {
        do {
            try context.pipeline.syncOperations.addHandler(
                HeadByteCounter(budget, state), position: .first)
        } catch {
            // The channel is gone.
            context.close(promise: nil)
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head:
            state.headBytes = nil
            budget.giveBack(state.taken)
            state.taken = 0
        case .body: break
        case .end: state.headBytes = 0
        }
        context.fireChannelRead(data)
    }
}
