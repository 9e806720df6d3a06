import HTTPTypes
import Hummingbird
import HummingbirdCore
import Logging

/// The metrics port: `GET /metrics` and `GET /health`, nothing else.
///
/// Is not counted in the metrics itself: scraping them would change them.
struct MetricsResponder: HTTPResponder {
    let face: RESTFace

    func respond(to request: Request, context: RESTContext) async throws -> Response {
        let path = RequestTarget(request.head.path ?? "").path
        var response = await answer(Route(path: path), "\(path.prefix(1024))", request)
        response.headers[.date] = HTTPDate.now.httpText
        let answer = request.method == .head ? response.createHeadResponse() : response
        return answer.closingConnection(
            of: request, request.announcesBody ? .unread : .read, context.channel)
    }

    private func answer(_ route: Route?, _ path: String, _ request: Request) async -> Response {
        guard let route, route == .health || route == .metrics else {
            return problem(.noSuchResource, path)
        }
        guard request.method == .get || request.method == .head else {
            return problem(
                Problem(
                    status: .methodNotAllowed, detail: "\(route.template) allows GET, HEAD",
                    fields: [.allow: "GET, HEAD"]), path)
        }
        return route == .health
            ? .json(await face.health()) : await face.metricsText(accept: request.headers[.accept])
    }

    private func problem(_ problem: Problem, _ path: String) -> Response {
        .json(
            problem.document(instance: path), status: problem.status, fields: problem.fields,
            mediaType: MediaType.problem)
    }
}
