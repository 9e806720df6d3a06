import HTTPTypes
import Hummingbird
import HummingbirdCore
import NIOCore
import Overlay

extension RESTFace {
    /// The list of what is shared: as one answer when it fits a page, streamed otherwise.
    func files(_ target: RequestTarget) async throws -> Response {
        let limit = try target.number("limit", in: 1...Bounds.filesListedMax)
        var listing = FileListing(
            node: node, matching: try target.text("query", bytesMax: Bounds.queryBytesMax),
            after: try target.parameter("after"), limit: limit ?? Bounds.filesListedMax)
        // An error of the first page can still become an answer.
        let begin = try await listing.nextChunk() ?? ByteBuffer()
        let fields: HTTPFields = [.contentType: MediaType.json]
        if listing.isComplete {
            return Response(status: .ok, headers: fields, body: ResponseBody(byteBuffer: begin))
        }
        let rest = listing
        return Response(
            status: .ok, headers: fields,
            body: ResponseBody { writer in
                try await writer.write(begin)
                var listing = rest
                while let chunk = try await listing.nextChunk() {
                    try await writer.write(chunk)
                }
                try await writer.finish(nil)
            })
    }
}

/// Writes a ``FileListDocument`` page by page, so that memory stays the same however many files
/// there are.
private struct FileListing {
    private enum State {
        case begin
        case within(after: String)
        case complete
    }

    private let node: any Node
    private let matching: String
    private let after: String?
    /// Files that may still be listed.
    private var left: Int
    private var state = State.begin

    init(node: any Node, matching: String, after: String?, limit: Int) {
        self.node = node
        self.matching = matching
        self.after = after
        left = limit
    }

    var isComplete: Bool {
        guard case .complete = state else { return false }
        return true
    }

    /// - Returns: nil after the last.
    mutating func nextChunk() async throws -> ByteBuffer? {
        var chunk = ByteBuffer()
        let start: String?
        switch state {
        case .complete: return nil
        case .begin:
            start = after
            chunk.writeString("{\"peer\":")
            chunk.writeBytes(try JSON.encode(node.identity.name))
            chunk.writeString(",\"base\":")
            chunk.writeBytes(try JSON.encode(node.identity.url.description))
            chunk.writeString(",\"files\":[")
        case .within(let last):
            start = last
            chunk.writeString(",")
        }
        try await writePage(after: start, to: &chunk)
        return chunk
    }

    /// One file more than the page holds is asked for, to know whether there is another.
    private mutating func writePage(after start: String?, to chunk: inout ByteBuffer) async throws {
        let size = min(left, RESTFace.Bounds.filesPageSize)
        let found = try await node.files(after: start, limit: size + 1, matching: matching)
        let page = found.prefix(size)
        let identity = node.identity
        let entries = page.map {
            FileEntry($0, base: identity.url.description, grpc: identity.grpc)
        }
        // Without the brackets of the array.
        chunk.writeBytes(try JSON.encode(entries).dropFirst().dropLast())
        left -= page.count
        guard found.count > page.count, let last = page.last?.path else {
            state = .complete
            chunk.writeString("],\"truncated\":false}")
            return
        }
        if left > 0 {
            state = .within(after: last)
        } else {
            state = .complete
            chunk.writeString("],\"truncated\":true,\"next\":")
            chunk.writeBytes(try JSON.encode(last))
            chunk.writeString("}")
        }
    }
}
