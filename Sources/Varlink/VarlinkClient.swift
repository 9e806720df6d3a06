import CLinux
import FoundationEssentials
import Glibc

/// A blocking client on one connection, for programs that do one thing at a time.
///
///     let client = try VarlinkClient(path: "/run/example/socket")
///     let time = try client.call("org.example.Clock.Now", returning: Time.self)
///
/// Not `Sendable`. Closed when it goes, which cancels a call that is still at work.
package final class VarlinkClient {
    /// Bound of one reply, in bytes; generous, since a service answers what it was asked for.
    package static let replyBytesMax = 64 * 1024 * 1024

    private let socket: UnixSocket
    private let interrupt: Int32?
    private var framing = MessageFraming(
        bytesMax: VarlinkClient.replyBytesMax, descriptorsMax: Int(CLINUX_DESCRIPTORS_MAX))

    /// Connects to the socket `path`.
    ///
    /// - Parameter interrupt: A descriptor (a signalfd, say) that ends every wait with
    ///   ``ClientError/interrupted`` while it is readable. The caller keeps it, open.
    package init(path: String, interrupt: Int32? = nil) throws(ClientError) {
        let number = clinux_unix_socket(0)
        guard number >= 0 else { throw .system(SystemError("socket")) }
        socket = UnixSocket(descriptor: OwnedDescriptor(owning: number))
        self.interrupt = interrupt
        guard clinux_unix_connect(number, path) == 0 else {
            switch errno {
            case ENOENT, ENOTDIR: throw .notThere(path: path)
            case ECONNREFUSED: throw .refused(path: path)
            case EACCES, EPERM: throw .permissionDenied(path: path)
            default: throw .system(SystemError("connect \(path)"))
            }
        }
    }

    /// Calls a method that answers once.
    ///
    /// - Parameter descriptors: Sent along; they stay the caller's.
    package func call<Reply: Decodable>(
        _ method: String,
        _ parameters: some Encodable = NoParameters(),
        descriptors: [OwnedDescriptor] = [],
        returning: Reply.Type = Reply.self
    ) throws(ClientError) -> Reply {
        try send(OutgoingCall(method: method, parameters: parameters), descriptors)
        return try receiveReply(as: Reply.self).parameters
    }

    /// Calls a method that answers in several replies. They must be read to their end before the
    /// next call.
    package func callMore<Reply: Decodable>(
        _ method: String,
        _ parameters: some Encodable = NoParameters(),
        descriptors: [OwnedDescriptor] = [],
        returning: Reply.Type = Reply.self
    ) throws(ClientError) -> ReplySequence<Reply> {
        try send(OutgoingCall(method: method, parameters: parameters, more: true), descriptors)
        return ReplySequence(client: self)
    }

    func receiveReply<Reply: Decodable>(
        as type: Reply.Type
    ) throws(ClientError) -> (parameters: Reply, continues: Bool) {
        let bytes = try receiveMessage().bytes
        let header: ReplyHeader = try decode(bytes)
        if let name = header.error { throw .remote(VarlinkError(name: name, received: bytes)) }
        let body: ParametersOf<Reply> = try decode(bytes)
        return (body.parameters, header.continues ?? false)
    }

    private func decode<Value: Decodable>(_ bytes: [UInt8]) throws(ClientError) -> Value {
        do {
            return try decodeMessage(Value.self, from: bytes)
        } catch {
            throw .malformed(String(describing: error))
        }
    }

    private func send(
        _ call: some Encodable,
        _ descriptors: [OwnedDescriptor]
    ) throws(ClientError) {
        let message: [UInt8]
        do {
            message = try encodeMessage(call)
        } catch {
            throw .malformed(String(describing: error))
        }
        var rest = message[...]
        while !rest.isEmpty {
            try wait(for: POLLOUT)
            let isFirst = rest.startIndex == 0
            do {
                guard
                    case .bytes(let count) = try socket.send(
                        rest, descriptors: isFirst ? descriptors : [])
                else { continue }
                rest = rest.dropFirst(count)
            } catch {
                throw error.code == EPIPE || error.code == ECONNRESET ? .closed : .system(error)
            }
        }
    }

    private func receiveMessage() throws(ClientError) -> Message {
        while true {
            if let message = framing.next() { return message }
            try wait(for: POLLIN)
            switch try receive() {
            case .bytes(let bytes, let descriptors, _):
                do {
                    try framing.append(bytes, descriptors: descriptors)
                } catch {
                    throw .replyTooLong(limit: Self.replyBytesMax)
                }
            case .wouldBlock, .interrupted: continue
            case .endOfStream: throw .closed
            }
        }
    }

    private func receive() throws(ClientError) -> UnixSocket.Received {
        do {
            return try socket.receive(capacity: 64 * 1024)
        } catch {
            throw error.code == ECONNRESET ? .closed : .system(error)
        }
    }

    /// Blocks until the socket is ready; `interrupt` comes first.
    private func wait(for events: Int32) throws(ClientError) {
        var entries = [
            pollfd(fd: socket.descriptor.rawValue, events: Int16(events), revents: 0),
            pollfd(fd: interrupt ?? -1, events: Int16(POLLIN), revents: 0),
        ]
        while poll(&entries, 2, -1) < 0 {
            if errno != EINTR { throw .system(SystemError("poll")) }
        }
        if entries[1].revents != 0 { throw .interrupted }
    }
}

/// The replies to one call, as they come.
package struct ReplySequence<Reply: Decodable> {
    private let client: VarlinkClient
    private var hasEnded = false

    init(client: VarlinkClient) {
        self.client = client
    }

    /// Blocks for the next reply; `nil` after the last.
    package mutating func next() throws(ClientError) -> Reply? {
        if hasEnded { return nil }
        // Whatever is thrown ends the sequence.
        hasEnded = true
        let reply = try client.receiveReply(as: Reply.self)
        hasEnded = !reply.continues
        return reply.parameters
    }
}
