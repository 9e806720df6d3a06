import HTTPTypes
import Hummingbird
import HummingbirdCore
import LogMessages
import Logging
import NIOCore
import NIOPosix
import RootedFiles

extension RESTFace {
    /// A file's bytes, or a part of them, or word that the client has them already (RFC 9110
    /// §13, §14).
    ///
    /// - Parameter name: Percent-encoded path in the shared directory; decoded once, here.
    func download(
        _ name: Substring, _ request: Request, _ context: RESTContext
    ) async throws -> Response {
        let path = try decode(name)
        let file = try await node.open(path)
        let status = try file.status()
        let validators = await validators(of: status, path, context)
        var fields: HTTPFields = [
            .eTag: validators.entityTag, .lastModified: validators.lastModified.httpText,
            .acceptRanges: "bytes",
        ]
        switch Precondition(request.headers, validators, now: .now) {
        case .notModified:
            return Response(status: .notModified, headers: fields)
        case .failed:
            throw Problem(
                status: .preconditionFailed, detail: "the file is not in the state asked for")
        case .perform(let rangeApplies):
            let wanted = request.method == .get && rangeApplies ? request.headers[.range] : nil
            describe(path, in: &fields)
            return try answer(
                file, status.size, ByteRange(field: wanted, size: status.size), fields)
        }
    }

    private func decode(_ name: Substring) throws(Problem) -> String {
        do {
            let bytes = try PercentEncoding.decode(name)
            if let path = String(validating: bytes, as: UTF8.self), !bytes.contains(0) {
                return path
            }
        } catch {
            // The same complaint as for bytes that are no text.
        }
        throw .badRequest("the path is not percent-encoded UTF-8 text")
    }

    /// The hash when the catalog has that of these very bytes, else what changes with them.
    private func validators(
        of status: FileStatus, _ path: String, _ context: RESTContext
    ) async -> Validators {
        let nanoseconds = status.modified.seconds * 1_000_000_000 + status.modified.nanoseconds
        var tag = "\(status.inode)-\(status.size)-\(nanoseconds)"
        do {
            if let known = try await node.file(at: path), let sha256 = known.sha256,
                known.size == status.size, known.modified == nanoseconds
            {
                tag = sha256
            }
        } catch {
            // The file can be served all the same.
            context.logger.report(.catalogSilent, ["error": "\(error)"])
        }
        return Validators(
            entityTag: "\"\(tag)\"", lastModified: HTTPDate(seconds: status.modified.seconds))
    }

    /// Shared files are others' content: a browser must neither guess what they are nor run them
    /// as part of this peer's origin.
    private func describe(_ path: String, in fields: inout HTTPFields) {
        let type = FoundFile(path: path, size: 0, modified: 0, sha256: nil).type
        fields[.contentType] = MediaType.of(extension: type)
        fields[.xContentTypeOptions] = "nosniff"
        fields[.contentSecurityPolicy] = "sandbox"
    }

    private func answer(
        _ file: OpenFile, _ size: Int64, _ range: ByteRange, _ fields: HTTPFields
    ) throws(Problem) -> Response {
        var fields = fields
        switch range {
        case .whole:
            return Response(status: .ok, headers: fields, body: body(of: file, 0..<size))
        case .part(let part):
            fields[.contentRange] = "bytes \(part.lowerBound)-\(part.upperBound - 1)/\(size)"
            return Response(status: .partialContent, headers: fields, body: body(of: file, part))
        case .unsatisfiable:
            throw Problem(
                status: .rangeNotSatisfiable, detail: "the file has \(size) bytes",
                fields: [.contentRange: "bytes */\(size)", .acceptRanges: "bytes"])
        }
    }

    /// Reads in NIO's thread pool, as fast as the client takes it: at most a few buffers are
    /// there at a time.
    private func body(of file: OpenFile, _ range: Range<Int64>) -> ResponseBody {
        ResponseBody(contentLength: Int(range.upperBound - range.lowerBound)) { writer in
            var offset = range.lowerBound
            while offset < range.upperBound {
                let begin = offset
                let count = Int(min(Int64(Bounds.fileBufferBytes), range.upperBound - begin))
                let buffer = try await NIOThreadPool.singleton.runIfActive {
                    try ByteBuffer(reading: count, at: begin, of: file)
                }
                try await writer.write(buffer)
                fileBytesSent(count)
                offset += Int64(count)
            }
            try await writer.finish(nil)
        }
    }
}

/// The file has become shorter than the head of the answer said: the connection must end.
struct FileShrank: Error {
    let path: String
}

extension ByteBuffer {
    /// Blocks the thread for as long as the disk takes.
    ///
    /// - Throws: ``FileShrank`` when there are fewer than `count` bytes.
    fileprivate init(reading count: Int, at offset: Int64, of file: OpenFile) throws {
        self.init()
        try writeWithUnsafeMutableBytes(minimumWritableBytes: count) { bytes in
            try file.read(
                into: UnsafeMutableRawBufferPointer(rebasing: bytes[..<count]), at: offset)
        }
        if readableBytes < count { throw FileShrank(path: file.path) }
    }
}
