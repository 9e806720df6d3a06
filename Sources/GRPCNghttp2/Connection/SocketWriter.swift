import CLinux
import Glibc
import NIOCore
import SystemPackage

/// The way of a connection's blocks and file pieces into its socket, in order.
///
/// Where nothing stands between the connection and the socket, both go to the kernel directly, while
/// the channel has nothing pending itself. What the socket does not take at once goes through the
/// channel, whose promise then says when to go on: a copy of the rest of a block, or the next few bytes of
/// a file's piece. So a connection that waits holds no more than that, and the channel does what it does
/// for errors. Elsewhere (TLS, tests) blocks go through the channel, and there are no file pieces.
///
/// Lives on the event loop.
final class SocketWriter {
    private let context: ChannelHandlerContext
    private let isDirect: Bool
    /// The channel has bytes that the socket did not take.
    private var isBlocked = false
    /// What the next block has to wait for.
    private var file: FileSlice?
    private var isSendingFile = false
    /// Bytes of everything that was to be written so far.
    private(set) var bytesGiven = 0
    /// Called when writing may go on.
    private let onReady: () -> Void
    /// Called when a file ends before a piece of it that has been promised: the frame cannot be completed.
    private let onFileEnded: () -> Void

    /// Bytes that wait in the channel while a file's piece is on its way: they hold memory, and each costs a
    /// look at the socket.
    private static let waitingBytes = 4 * 1024

    /// - Parameter isPlaintext: Whether the channel's bytes are the socket's.
    init(
        context: ChannelHandlerContext, isPlaintext: Bool, onReady: @escaping () -> Void,
        onFileEnded: @escaping () -> Void
    ) {
        self.context = context
        self.onReady = onReady
        self.onFileEnded = onFileEnded
        isDirect = isPlaintext && Self.withSocket(of: context.channel) { _ in true } == true
    }

    /// Whether files' pieces can be sent.
    var sendsFiles: Bool { isDirect }

    /// Whether a block may be written now.
    var isReady: Bool { !isBlocked && file == nil && context.channel.isWritable }

    /// Bytes of the file's piece that the socket has not taken.
    var fileBytesLeft: Int { file?.count ?? 0 }

    /// Writes a block, and then the piece of a file that ends its last frame.
    func write(_ block: OutputBlock) {
        precondition(isReady, "a block behind one that waits")
        file = block.file
        bytesGiven += block.bytes.readableBytes + fileBytesLeft
        guard isDirect else {
            context.writeAndFlush(NIOAny(block.bytes), promise: nil)
            return
        }
        writeDirectly(block.bytes, moreFollows: file != nil)
        sendFile()
    }

    // MARK: - Directly

    private func writeDirectly(_ bytes: ByteBuffer, moreFollows: Bool) {
        let flags = Int32(MSG_NOSIGNAL) | (moreFollows ? Int32(MSG_MORE) : 0)
        let sent = bytes.withUnsafeReadableBytes { bytes in
            Self.withSocket(of: context.channel) { send($0, bytes.baseAddress, bytes.count, flags) }
        }
        let taken = max(0, sent ?? 0)
        guard taken < bytes.readableBytes else { return }
        // A copy of its own: the block serves other connections.
        var rest = ByteBuffer()
        rest.writeBytes(bytes.readableBytesView.dropFirst(taken))
        wait(behind: rest)
    }

    /// Sends what is left of the file's piece, until the socket takes no more.
    private func sendFile() {
        // The channel may take waiting bytes at once, and says so from inside the loop.
        guard !isSendingFile else { return }
        isSendingFile = true
        defer { isSendingFile = false }
        while !isBlocked, let slice = file, slice.count > 0 {
            var offset = off_t(slice.offset)
            let sent = Self.withSocket(of: context.channel) {
                sendfile($0, slice.file.descriptor.rawValue, &offset, slice.count)
            }
            switch sent {
            case .some(let taken) where taken > 0:
                file?.advance(by: taken)
                // Less than all: asking again would only be told so.
                if taken < slice.count { waitBehindFile() }
            case .some(0):
                file = nil
                onFileEnded()
            default:
                // The socket is full, or broken: the channel finds out.
                waitBehindFile()
            }
        }
        if file?.count == 0 { file = nil }
    }

    /// Hands the channel the next bytes of the file's piece, to be told when the socket takes more.
    private func waitBehindFile() {
        guard var slice = file, slice.count > 0 else { return }
        var bytes = ByteBuffer()
        switch slice.read(min(slice.count, Self.waitingBytes), into: &bytes) {
        case .bytes:
            file = slice
            wait(behind: bytes)
        case .notResident:
            isBlocked = true
            let fetched = slice.fetch(on: context.eventLoop)
            file = slice
            fetched.assumeIsolated().whenComplete { _ in self.goOn() }
        case .fileEnded:
            file = nil
            onFileEnded()
        }
    }

    private func wait(behind bytes: ByteBuffer) {
        isBlocked = true
        let written = context.eventLoop.makePromise(of: Void.self)
        written.futureResult.assumeIsolated().whenSuccess { self.goOn() }
        context.writeAndFlush(NIOAny(bytes), promise: written)
    }

    /// Not for a channel that has closed: its end is the handler's to deal with.
    private func goOn() {
        guard context.channel.isActive else { return }
        isBlocked = false
        sendFile()
        if isReady { onReady() }
    }

    /// Nil when the channel has no socket, or not any more.
    private static func withSocket<Result>(
        of channel: any Channel, _ body: (NIOBSDSocket.Handle) -> Result
    ) -> Result? {
        do {
            return try channel.pipeline.syncOperations.withUnsafeTransportIfAvailable(
                of: NIOBSDSocket.Handle.self, body)
        } catch {
            return nil
        }
    }
}
