import HTTPTypes
import Hummingbird
import HummingbirdCore

/// What pages of other origins may do: read all, write nothing (the Fetch Standard, "CORS
/// protocol").
enum CrossOrigin {
    static func allowReading(_ response: inout Response, method: HTTPRequest.Method) {
        guard method == .get || method == .head || method == .options else { return }
        response.headers[.accessControlAllowOrigin] = "*"
        response.headers[.accessControlExposeHeaders] =
            "Accept-Ranges, Content-Length, Content-Range, ETag, Last-Modified, Retry-After"
    }

    static func preflight(_ route: Route) -> Response {
        Response(
            status: .noContent,
            headers: [
                .allow: route.allow,
                .accessControlAllowMethods: "GET, HEAD, OPTIONS",
                .accessControlAllowHeaders:
                    "Range, If-Match, If-None-Match, If-Modified-Since, If-Range",
                .accessControlMaxAge: "86400",
            ])
    }

    /// A page could have its reader's browser register peers here, because that needs no preflight.
    ///
    /// - Throws: ``Problem`` 403 for a request that a page of another origin makes.
    static func forbidWriting(_ request: Request) throws(Problem) {
        guard let origin = request.headers[.origin] else { return }
        let own = request.head.authority ?? ""
        guard origin == "http://\(own)" || origin == "https://\(own)" else {
            throw Problem(
                status: .forbidden, detail: "pages of other origins may only read here")
        }
    }
}
