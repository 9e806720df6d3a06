import Glibc
import Locking

/// Writes one connection's messages, as fast as the client reads them.
///
/// The kernel's socket buffer is the queue: when it is full, the writing task is suspended.
final class ReplyWriter: Sendable {
    private let socket: UnixSocket
    private let poller: Poller
    private let stallLimit: Duration
    /// Set when a message was cut short: nothing can follow it.
    private let broken = Locked(false)

    init(socket: UnixSocket, poller: Poller, stallLimit: Duration) {
        self.socket = socket
        self.poller = poller
        self.stallLimit = stallLimit
    }

    var isBroken: Bool {
        broken.withLock { $0 }
    }

    /// Writes one message whole. Not called again before it has returned.
    ///
    /// - Throws: ``ConnectionEnd``; the connection can only be closed after it.
    func write(
        _ message: [UInt8],
        descriptors: [OwnedDescriptor]
    ) async throws(ConnectionEnd) {
        if isBroken { throw .clientGone }
        do {
            try await send(message, descriptors: descriptors)
        } catch {
            broken.withLock { $0 = true }
            throw error
        }
    }

    private func send(
        _ message: [UInt8],
        descriptors: [OwnedDescriptor]
    ) async throws(ConnectionEnd) {
        var rest = message[...]
        while !rest.isEmpty {
            let isFirst = rest.startIndex == 0
            switch try attempt(rest, descriptors: isFirst ? descriptors : []) {
            case .bytes(let count): rest = rest.dropFirst(count)
            case .interrupted: continue
            case .wouldBlock: try await room()
            }
        }
    }

    private func attempt(
        _ bytes: ArraySlice<UInt8>,
        descriptors: [OwnedDescriptor]
    ) throws(ConnectionEnd) -> UnixSocket.Sent {
        do {
            return try socket.send(bytes, descriptors: descriptors)
        } catch {
            throw error.code == EPIPE || error.code == ECONNRESET ? .clientGone : .system(error)
        }
    }

    /// Waits until the client has read something.
    private func room() async throws(ConnectionEnd) {
        let outcome = await poller.wait(
            for: Int16(POLLOUT), on: socket.descriptor.rawValue, until: .now + stallLimit)
        switch outcome {
        case .ready: return
        case .timedOut: throw .readerStalled(limit: stallLimit)
        case .cancelled, .draining: throw .cancelled
        }
    }
}

/// Why a connection ended before its client ended it in order.
package enum ConnectionEnd: Error, Equatable {
    /// It closed while its call was worked on.
    case clientGone
    /// It did not read its replies.
    case readerStalled(limit: Duration)
    case framing(FramingError)
    /// What it sent is not a call, and why.
    case malformed(String)
    /// The handler's reply cannot be written as JSON.
    case unencodableReply(method: String)
    /// The service ends, and its time to drain is over.
    case cancelled
    case system(SystemError)
}
