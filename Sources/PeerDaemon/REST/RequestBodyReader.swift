import Hummingbird
import HummingbirdCore
import NIOCore

/// How far the body of a request has been read; it can be iterated only once.
enum RequestBodyState {
    case unread
    /// Or there is none.
    case read
    /// Too much of it was read already.
    case abandoned
}

extension Request {
    /// Whether bytes follow the head.
    var announcesBody: Bool {
        headers[.transferEncoding] != nil || (headers[.contentLength].map { $0 != "0" } ?? false)
    }

    /// Reads the whole body; a client that dawdles over it is disconnected.
    ///
    /// - Throws: ``Problem`` 413 past `bytesMax`; what follows is read for a while and thrown
    ///   away, so that the answer is not lost in a reset (RFC 9112 §9.6).
    func readBody(
        _ channel: any Channel, _ state: inout RequestBodyState,
        bytesMax: Int = RESTFace.Bounds.requestBodyBytesMax,
        timeout: TimeAmount = RESTFace.Bounds.requestBodyTimeout
    ) async throws -> ByteBuffer {
        guard announcesBody else { return ByteBuffer() }
        if let length = headers[.contentLength].flatMap({ Int($0) }), length > bytesMax {
            throw Problem.contentTooLarge(bytesMax: bytesMax)
        }
        state = .abandoned
        let deadline = channel.eventLoop.scheduleTask(in: timeout) {
            channel.close(promise: nil)
        }
        defer { deadline.cancel() }
        var bytes = ByteBuffer()
        var count = 0
        for try await part in body {
            count += part.readableBytes
            if count <= bytesMax { bytes.writeImmutableBuffer(part) }
            if count > max(bytesMax, RESTFace.Bounds.lingerBytesMax) {
                throw Problem.contentTooLarge(bytesMax: bytesMax)
            }
        }
        state = .read
        guard count <= bytesMax else { throw Problem.contentTooLarge(bytesMax: bytesMax) }
        return bytes
    }
}

/// Ends a connection after its answer; says nothing of a failure.
struct ConnectionDone: Error {}

extension Response {
    /// The same answer to a request whose body was not read: what is left of that is read for a
    /// while and thrown away, then the connection is closed.
    func closingConnection(
        of request: Request, _ state: RequestBodyState, _ channel: any Channel
    ) -> Response {
        if case .read = state { return self }
        var response = self
        response.headers[.connection] = "close"
        let body = self.body
        response.body = ResponseBody(contentLength: body.contentLength) { writer in
            try await body.write(writer)
            guard case .unread = state else { throw ConnectionDone() }
            let deadline = channel.eventLoop.scheduleTask(in: RESTFace.Bounds.lingerTimeout) {
                channel.close(promise: nil)
            }
            defer { deadline.cancel() }
            var bytes = 0
            for try await part in request.body {
                bytes += part.readableBytes
                if bytes > RESTFace.Bounds.lingerBytesMax { break }
            }
            throw ConnectionDone()
        }
        return response
    }
}
