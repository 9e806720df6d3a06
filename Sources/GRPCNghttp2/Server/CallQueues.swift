import GRPCCore
import NIOCore

/// Carries accepted calls from the event loops to handler tasks that run on the same loops.
///
/// One queue a loop. It holds the calls of one turn of the loop: as many as connections times
/// streams allow, and each leaves it when the loop next turns to its tasks.
struct CallQueues: Sendable {
    struct Call: Sendable {
        let descriptor: MethodDescriptor
        let stream: NIOLoopBound<ServerStream>
        let inbox: Inbox<RPCRequestPart<MessageBytes>>
        let messageBytesMax: Int
        /// How its responses are encoded.
        let encoding: MessageEncoding
        let eventLoop: any EventLoop
        let remotePeer: String
        let localPeer: String
    }

    typealias Handler =
        @Sendable (
            RPCStream<NghttpServerTransport.Inbound, NghttpServerTransport.Outbound>, ServerContext
        ) async -> Void

    private let queues: [ObjectIdentifier: Queue]

    private struct Queue {
        let eventLoop: any EventLoop
        let calls: AsyncStream<Call>
        let continuation: AsyncStream<Call>.Continuation
    }

    init(group: any EventLoopGroup) {
        var queues: [ObjectIdentifier: Queue] = [:]
        for eventLoop in group.makeIterator() {
            let (calls, continuation) = AsyncStream.makeStream(of: Call.self)
            queues[ObjectIdentifier(eventLoop)] = Queue(
                eventLoop: eventLoop, calls: calls, continuation: continuation)
        }
        self.queues = queues
    }

    func append(_ call: Call) {
        guard let queue = queues[ObjectIdentifier(call.eventLoop)] else {
            preconditionFailure("a call on a loop of another group")
        }
        queue.continuation.yield(call)
    }

    /// Lets ``run(_:)`` return when the handlers have.
    func finish() {
        for queue in queues.values { queue.continuation.finish() }
    }

    func run(_ handler: @escaping Handler) async {
        await withDiscardingTaskGroup { group in
            for queue in queues.values {
                let executor = EventLoopTaskExecutor(queue.eventLoop)
                group.addTask(executorPreference: executor) {
                    await withDiscardingTaskGroup { handlers in
                        for await call in queue.calls {
                            handlers.addTask { await Self.handle(call, handler) }
                        }
                    }
                }
            }
        }
    }

    private static func handle(_ call: Call, _ handler: Handler) async {
        let writer = StreamWriter(eventLoop: call.eventLoop, stream: call.stream)
        writer.credit(from: call.inbox)
        let stream = RPCStream(
            descriptor: call.descriptor,
            inbound: RPCAsyncSequence(
                wrapping: DecodedParts(inbox: call.inbox, messageBytesMax: call.messageBytesMax)),
            outbound: writer.closable(call.encoding))
        await withServerContextRPCCancellationHandle { handle in
            let context = ServerContext(
                descriptor: call.descriptor, remotePeer: call.remotePeer, localPeer: call.localPeer,
                cancellation: handle)
            // This task runs on the loop.
            call.stream.value.cancel(with: handle)
            await withRPCCancellationHandler {
                await handler(stream, context)
            } onCancelRPC: {
                // GRPCCore's timer; a caller that left has closed the stream already.
                call.eventLoop.execute { call.stream.value.deadlinePassed() }
            }
        }
    }
}
