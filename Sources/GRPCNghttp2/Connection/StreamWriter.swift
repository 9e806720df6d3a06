import GRPCCore
import NIOCore

/// The sending half of a stream, as its writer sees it. Lives on the event loop.
protocol WritableStream: HTTP2Stream, SendableMetatype {
    associatedtype Part: Sendable

    /// - Returns: Whether the writer should wait for room.
    func write(_ part: Part) throws -> Bool
    /// Resumes the writer when there is room, or when there never will be.
    func waitForRoom(_ continuation: CheckedContinuation<Void, any Error>)
    func writerFinished(_ error: (any Error)?)
    /// The reader has taken `bytes` more of what came in.
    func credit(_ bytes: Int)
}

/// A call's way to its stream: writes on the event loop, and waits there while the reader is slow.
struct StreamWriter<Stream: WritableStream>: ClosableRPCWriterProtocol {
    typealias Element = Stream.Part

    let eventLoop: any EventLoop
    let stream: NIOLoopBound<Stream>

    func write(_ element: Element) async throws {
        let isFull =
            if eventLoop.inEventLoop {
                try stream.value.write(element)
            } else {
                try await eventLoop.submit { try stream.value.write(element) }.get()
            }
        guard isFull else { return }
        try await withCheckedThrowingContinuation { continuation in
            onLoop { $0.waitForRoom(continuation) }
        }
    }

    func write(contentsOf elements: some Sequence<Element>) async throws {
        for element in elements { try await write(element) }
    }

    func finish() async {
        onLoop { $0.writerFinished(nil) }
    }

    func finish(throwing error: any Error) async {
        onLoop { $0.writerFinished(error) }
    }

    /// Lets what is taken from `inbox` be credited to its sender.
    func credit<Part>(from inbox: Inbox<Part>) {
        inbox.creditSender { bytes in onLoop { $0.credit(bytes) } }
    }

    private func onLoop(_ body: @escaping @Sendable (Stream) -> Void) {
        if eventLoop.inEventLoop {
            body(stream.value)
        } else {
            eventLoop.execute { body(stream.value) }
        }
    }
}
