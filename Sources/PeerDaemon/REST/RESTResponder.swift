import FoundationEssentials
import HTTPTypes
import Hummingbird
import HummingbirdCore
import LogMessages
import Logging
import NIOCore
import RootedFiles
import SystemPackage

/// Takes a request through what is the same for all of them: limits, methods, errors, cross-origin
/// rules, the access log and the metrics.
struct RESTResponder: HTTPResponder {
    let face: RESTFace
    private let metrics = ExchangeMetrics()

    init(face: RESTFace) {
        self.face = face
    }

    func respond(to request: Request, context: RESTContext) async throws -> Response {
        let target = RequestTarget(request.head.path ?? "")
        let exchange = Exchange(
            method: request.method, target: target,
            route: Route(path: target.path, servesDirectory: face.directory != nil),
            metrics: metrics, logger: context.logger)
        var bodyState: RequestBodyState = request.announcesBody ? .unread : .read
        var response: Response
        do {
            response = try await answer(request, exchange, context, &bodyState)
        } catch {
            let problem = problem(from: error, context)
            response = .json(
                problem.document(instance: String(target.path.prefix(1024))),
                status: problem.status, fields: problem.fields, mediaType: MediaType.problem)
        }
        response.headers[.date] = HTTPDate.now.httpText
        CrossOrigin.allowReading(&response, method: request.method)
        response = try await exchange.recorded(response)
        // The head of an answer to HEAD needs the length that GET's body would have.
        if request.method == .head { response = response.createHeadResponse() }
        return response.closingConnection(of: request, bodyState, context.channel)
    }

    private func answer(
        _ request: Request, _ exchange: Exchange, _ context: RESTContext,
        _ bodyState: inout RequestBodyState
    ) async throws -> Response {
        guard let route = exchange.route else {
            try admit(.request, context)
            throw Problem.noSuchResource
        }
        if route.isRateLimited {
            try admit(exchange.isDownload ? .download : .request, context)
        }
        guard route.methods.contains(request.method) else {
            throw Problem.methodNotAllowed(route)
        }
        if request.method == .options { return CrossOrigin.preflight(route) }
        if case .directory(let resource) = route, let directory = face.directory {
            if request.method == .post || request.method == .put {
                try CrossOrigin.forbidWriting(request)
            }
            return try await countingRefusals(route, context) {
                try await directory.answer(
                    resource,
                    .init(target: exchange.target, request: request, context: context), &bodyState)
            }
        }
        guard request.method == .post else {
            return try await face.read(route, exchange.target, request, context)
        }
        try CrossOrigin.forbidWriting(request)
        let body = try await request.readBody(context.channel, &bodyState)
        return try await face.write(route, body, request)
    }

    /// Where not every request counts against the limit, one that was refused for its client's
    /// fault does. A conflict is none: that is how the two sides find out that their lists differ.
    private func countingRefusals(
        _ route: Route, _ context: RESTContext, _ answer: () async throws -> Response
    ) async throws -> Response {
        do {
            return try await answer()
        } catch let problem as Problem {
            let isFault = (400..<500).contains(problem.status.code) && problem.status != .conflict
            if !route.isRateLimited && isFault { try admit(.request, context) }
            throw problem
        }
    }

    private func admit(_ use: RateLimiter.Use, _ context: RESTContext) throws(Problem) {
        let verdict = face.limiter.admit(
            use, from: ClientAddress(context.channel.remoteAddress), settings: face.node.settings)
        if case .refused(let retryAfter) = verdict { throw .rateLimited(retryAfter: retryAfter) }
    }

    /// What a client may know of an error; the log has the rest.
    private func problem(from error: any Error, _ context: RESTContext) -> Problem {
        if let problem = error as? Problem { return problem }
        if let error = error as? RootedFileError {
            switch error.reason {
            // Which of them it is is nobody's business out there.
            case .invalidPath, .notFound, .notARegularFile, .outside,
                .system(.permissionDenied), .system(.notPermitted):
                return .noSuchFile
            case .system(.tooManyOpenFiles), .system(.tooManyOpenFilesInSystem),
                .system(.noMemory):
                context.logger.report(.requestRefused, ["error": "\(error)"])
                return .overloaded
            case .exists, .system: break
            }
        }
        let id = context.requestID
        context.logger.report(.requestFailed, ["error": "\(error)", "error_id": "\(id)"])
        return .internalError(id: id)
    }
}

extension Response {
    static func json(
        _ document: some Encodable, status: HTTPResponse.Status = .ok, fields: HTTPFields = [:],
        mediaType: String = MediaType.json
    ) -> Response {
        var fields = fields
        fields[.contentType] = mediaType
        do {
            let body = ByteBuffer(bytes: try JSON.encode(document))
            return Response(status: status, headers: fields, body: ResponseBody(byteBuffer: body))
        } catch {
            preconditionFailure("\(document) has no JSON: \(error)")
        }
    }
}

/// JSON as this face writes it.
enum JSON {
    static func encode(_ document: some Encodable) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .withoutEscapingSlashes
        return Array(try encoder.encode(document))
    }
}
