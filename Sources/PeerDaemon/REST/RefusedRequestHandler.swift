import HTTPTypes
import NIOCore
import NIOHTTP1
import NIOHTTPTypes

/// Gives the answer to a request that is no HTTP, or whose head is too large, the body that every
/// other error has.
///
/// Hummingbird answers what the parser refuses with a bare 400 and closes: no responder sees it.
final class RefusedRequestHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private let limits: HeadLimits
    private var refusal: HTTPParserError?

    init(limits: HeadLimits) {
        self.limits = limits
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // More of the refused bytes arrive as further errors.
        refusal = refusal ?? error as? HTTPParserError
        context.fireErrorCaught(error)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard let refusal, case .head(let head) = unwrapOutboundIn(data), Self.isBare(head) else {
            return context.write(data, promise: promise)
        }
        let answer = answer(to: refusal)
        context.write(wrapOutboundOut(.head(answer.head)), promise: nil)
        context.write(wrapOutboundOut(.body(ByteBuffer(bytes: answer.body))), promise: promise)
    }

    /// Answers to requests before it on the connection pass as they are.
    private static func isBare(_ head: HTTPResponse) -> Bool {
        head.status == .badRequest && head.headerFields[.contentLength] == "0"
    }

    private func answer(
        to refusal: HTTPParserError
    ) -> (head: HTTPResponse, body: [UInt8]) {
        let problem = Problem.badRequest(detail(refusal))
        do {
            // The parser tells no path.
            let body = try JSON.encode(problem.document(instance: ""))
            let fields: HTTPFields = [
                .connection: "close", .contentLength: "\(body.count)",
                .contentType: MediaType.problem, .date: HTTPDate.now.httpText,
            ]
            return (HTTPResponse(status: problem.status, headerFields: fields), body)
        } catch {
            preconditionFailure("\(problem) has no JSON: \(error)")
        }
    }

    private func detail(_ refusal: HTTPParserError) -> String {
        guard refusal == .headerOverflow else { return "this is no valid HTTP request: \(refusal)" }
        return
            "the request's head is too large: at most \(limits.fieldBytesMax) bytes a line, "
            + "\(limits.listBytesMax) bytes and \(limits.fieldsMax) fields in all"
    }
}
