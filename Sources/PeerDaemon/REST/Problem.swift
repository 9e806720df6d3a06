import HTTPTypes

/// An error answer: problem details (RFC 9457), whose `detail` is also what the seeds' clients
/// read.
struct Problem: Error {
    var status: HTTPResponse.Status
    /// For people.
    var detail: String
    /// Fields of the answer besides those of its body.
    var fields: HTTPFields = [:]
    /// Under which the log has more; only of our own faults.
    var errorID: String?
    /// More for people, where the words of `detail` are not ours to choose.
    var reason: String?

    /// The body.
    struct Document: Codable, Equatable {
        var type = "about:blank"
        var title: String
        var status: Int
        var detail: String
        /// The path that was asked for.
        var instance: String
        var errorID: String?
        var reason: String?

        private enum CodingKeys: String, CodingKey {
            case type, title, status, detail, instance, reason
            case errorID = "error_id"
        }
    }

    func document(instance: String) -> Document {
        Document(
            title: status.reasonPhrase, status: status.code, detail: detail, instance: instance,
            errorID: errorID, reason: reason)
    }
}

extension Problem {
    static func badRequest(_ detail: String) -> Problem {
        Problem(status: .badRequest, detail: detail)
    }

    static func unprocessable(_ detail: String) -> Problem {
        Problem(status: .unprocessableContent, detail: detail)
    }

    static let noSuchResource = Problem(
        status: .notFound, detail: "no such resource; /openapi.json lists them")

    static let noSuchFile = Problem(status: .notFound, detail: "no such file is shared here")

    static func methodNotAllowed(_ route: Route) -> Problem {
        Problem(
            status: .methodNotAllowed, detail: "\(route.template) allows \(route.allow)",
            fields: [.allow: route.allow])
    }

    static func rateLimited(retryAfter: Duration) -> Problem {
        let (seconds, rest) = retryAfter.components
        return Problem(
            status: .tooManyRequests, detail: "Rate limit exceeded",
            fields: [.retryAfter: "\(max(1, seconds + (rest > 0 ? 1 : 0)))"])
    }

    static func contentTooLarge(bytesMax: Int) -> Problem {
        Problem(status: .contentTooLarge, detail: "the body is larger than \(bytesMax) bytes")
    }

    /// A machine without descriptors or memory, which passes.
    static let overloaded = Problem(
        status: .serviceUnavailable, detail: "this peer is short of resources, try again",
        fields: [.retryAfter: "1"])

    static func internalError(id: String) -> Problem {
        Problem(
            status: .internalServerError, detail: "internal error; this peer's log has it as \(id)",
            errorID: id)
    }
}
