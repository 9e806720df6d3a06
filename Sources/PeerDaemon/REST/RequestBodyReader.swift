import Hummingbird
import HummingbirdCore
import NIOCore

extension Request {
    /// Whether bytes follow the head.
    var announcesBody: Bool {
        headers[.transferEncoding] != nil || (headers[.contentLength].map { $0 != "0" } ?? false)
    }

    /// Reads the whole body; a client that dawdles over it is disconnected.
    ///
    /// - Throws: ``Problem`` 413 past ``RESTFace/Bounds/requestBodyBytesMax``.
    func readBody(_ channel: any Channel) async throws -> ByteBuffer {
        let bytesMax = RESTFace.Bounds.requestBodyBytesMax
        if let length = headers[.contentLength].flatMap({ Int($0) }), length > bytesMax {
            throw Problem.contentTooLarge(bytesMax: bytesMax)
        }
        let deadline = channel.eventLoop.scheduleTask(in: RESTFace.Bounds.requestBodyTimeout) {
            channel.close(promise: nil)
        }
        defer { deadline.cancel() }
        var bytes = ByteBuffer()
        for try await part in body {
            guard bytes.readableBytes + part.readableBytes <= bytesMax else {
                throw Problem.contentTooLarge(bytesMax: bytesMax)
            }
            bytes.writeImmutableBuffer(part)
        }
        return bytes
    }
}

/// Ends a connection after its answer; says nothing of a failure.
struct ConnectionDone: Error {}

extension Response {
    /// The same answer to a request whose body was not read: what is left of that is read for a
    /// while and thrown away, then the connection is closed.
    func closingConnection(of request: Request, _ channel: any Channel) -> Response {
        var response = self
        response.headers[.connection] = "close"
        let body = self.body
        response.body = ResponseBody(contentLength: body.contentLength) { writer in
            try await body.write(writer)
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
