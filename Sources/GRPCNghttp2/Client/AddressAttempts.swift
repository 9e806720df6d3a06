import NIOCore

/// Connects to the first of several addresses that answers (gRPC's pick-first; RFC 8305, section 5).
///
/// They are tried in order; the next one when one has failed, or has not answered for a moment. Those that
/// answer too late are closed. Lives on the event loop.
final class AddressAttempts {
    /// RFC 8305, section 8: "Connection Attempt Delay".
    private static let patience = TimeAmount.milliseconds(250)

    private let eventLoop: any EventLoop
    private let connect: (SocketAddress) -> EventLoopFuture<any Channel>
    private let promise: EventLoopPromise<any Channel>
    private var waiting: ArraySlice<SocketAddress>
    private var underWay = 0
    private var failures: [any Error] = []
    private var isDone = false
    private var timer: Scheduled<Void>?

    init(
        _ addresses: [SocketAddress], on eventLoop: any EventLoop,
        connect: @escaping (SocketAddress) -> EventLoopFuture<any Channel>
    ) {
        waiting = addresses[...]
        self.eventLoop = eventLoop
        self.connect = connect
        promise = eventLoop.makePromise()
    }

    /// - Returns: The channel, or the failure that came first when all have failed.
    func run() -> EventLoopFuture<any Channel> {
        if waiting.isEmpty { promise.fail(NoAddress()) }
        startNext()
        return promise.futureResult
    }

    private func startNext() {
        timer?.cancel()
        guard !isDone, let address = waiting.popFirst() else { return }
        underWay += 1
        if !waiting.isEmpty {
            timer = eventLoop.assumeIsolated().scheduleTask(in: Self.patience) { self.startNext() }
        }
        connect(address).assumeIsolated().whenComplete { self.ended($0) }
    }

    private func ended(_ result: Result<any Channel, any Error>) {
        underWay -= 1
        switch result {
        case .success(let channel):
            if isDone {
                channel.close(promise: nil)
            } else {
                isDone = true
                timer?.cancel()
                promise.succeed(channel)
            }
        case .failure(let error):
            failures.append(error)
            if waiting.isEmpty, underWay == 0, !isDone {
                promise.fail(failures[0])
            } else {
                startNext()
            }
        }
    }
}

/// A target without an address.
struct NoAddress: Error, CustomStringConvertible {
    var description: String { "no address was given" }
}
