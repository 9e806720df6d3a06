import Directory
import HTTPTypes
import Hummingbird
import HummingbirdCore
import NIOCore

/// Writes the files that a query means page by page, so that memory stays that of one page,
/// however many there are.
struct HoldingStream {
    private enum Place {
        case within(after: PageCursor?)
        case end
    }

    private let service: DirectoryService
    private let query: FileQuery
    private let write: @Sendable (Holding, inout JSONText) -> Void
    private var place: Place
    /// Files that may still be listed.
    private var left: Int
    private var isFirst = true

    init(
        _ query: FileQuery, of service: DirectoryService, after: PageCursor?, limit: Int,
        write: @escaping @Sendable (Holding, inout JSONText) -> Void
    ) {
        self.query = query
        self.service = service
        self.write = write
        left = limit
        place = .within(after: after)
    }

    private var isComplete: Bool {
        guard case .end = place else { return false }
        return true
    }

    /// All that is listed, within `head` and `tail`.
    ///
    /// - Returns: nil when nothing was found.
    func response(head: String, tail: String) async throws -> Response? {
        var stream = self
        var text = JSONText()
        text.raw(head)
        // An error of the first page can still become an answer.
        guard try await stream.writeChunk(to: &text) else { return nil }
        if stream.isComplete {
            text.raw(tail)
            return .json(text)
        }
        let (begin, rest) = (text.buffer, stream)
        return Response(
            status: .ok, headers: [.contentType: MediaType.json],
            body: ResponseBody { writer in
                try await writer.write(begin)
                var stream = rest
                repeat {
                    var text = JSONText()
                    _ = try await stream.writeChunk(to: &text)
                    if stream.isComplete { text.raw(tail) }
                    try await writer.write(text.buffer)
                } while !stream.isComplete
                try await writer.finish(nil)
            })
    }

    /// Writes some files, with commas before all but the first. After the last comes what ends
    /// the list and, where a bound ended it, how to go on.
    ///
    /// - Returns: Whether there was any.
    private mutating func writeChunk(to text: inout JSONText) async throws(DirectoryError) -> Bool {
        while case .within(let after) = place {
            let page = try await service.holdings(
                query, after: after, limit: min(left, DirectoryFace.Bounds.pageFiles))
            for holding in page.elements {
                if !isFirst { text.raw(",") }
                isFirst = false
                write(holding, &text)
            }
            left -= page.elements.count
            advance(to: page.next, &text)
            // A page may be empty with more behind it.
            if !page.elements.isEmpty { return true }
        }
        return false
    }

    private mutating func advance(to next: PageCursor?, _ text: inout JSONText) {
        guard let next else {
            text.raw("]")
            place = .end
            return
        }
        if left > 0 {
            place = .within(after: next)
        } else {
            text.raw("],\"truncado\":true,\"siguiente\":")
            text.string(next.string)
            place = .end
        }
    }
}

extension Response {
    static func json(_ text: JSONText) -> Response {
        Response(
            status: .ok, headers: [.contentType: MediaType.json],
            body: ResponseBody(byteBuffer: text.buffer))
    }
}
