import Directory
import Hummingbird
import HummingbirdCore

/// SEED-API.md A: what the original's clients send, and what they read.
extension DirectoryFace {
    func originalLogin(
        _ call: Call, _ bodyState: inout RequestBodyState
    ) async throws -> Response {
        // Everything is in the query; what else is sent is read and not looked at.
        _ = try await call.request.readBody(call.context.channel, &bodyState)
        let name = try Self.parameter("username", call.target)
        let password = try Self.parameter("password", call.target)
        let index: [UInt8]?
        do {
            index = try call.target.bytes(of: "files_index")
        } catch {
            throw Problem(
                status: .badRequest, detail: Problem.badIndexInSpanish,
                reason: "the list is not percent-encoded")
        }
        let login = try await role.logIn(
            name: name, password: password, source: call.source, contact: PeerContact(),
            index: index.map { .json($0) } ?? .nothing)
        var text = JSONText()
        text.raw("{\"status\":\"OK\",\"token\":")
        text.string(login.token.string)
        text.raw("}")
        return .json(text)
    }

    func originalHolders(_ target: RequestTarget) async throws -> Response {
        let name = try Self.parameter("filename", target)
        var head = JSONText()
        head.raw("{\"archivo\":")
        head.string(name)
        head.raw(",\"disponible_en\":[")
        let stream = HoldingStream(
            .named(name), of: role.service, after: try Self.cursor(target, "siguiente"),
            limit: Bounds.filesListedMax
        ) { holding, text in
            text.raw("{\"peer\":")
            text.string(holding.peer)
            Self.writeURL(of: holding, to: &text)
            text.member("grpc", holding.contact.grpc)
            text.raw("}")
        }
        guard let response = try await stream.response(head: String(buffer: head.buffer), tail: "}")
        else { throw Problem.noHolder }
        return response
    }

    func originalPeers() async throws -> Response {
        var text = JSONText()
        text.raw("{\"peers\":[")
        var listed = 0
        var last: String?
        repeat {
            let peers = try await role.service.peers(after: last, limit: Bounds.peersPage)
            for lease in peers {
                if listed > 0 { text.raw(",") }
                text.string(lease.peer)
                listed += 1
            }
            last = peers.count == Bounds.peersPage ? peers.last?.peer : nil
        } while last != nil && listed < Bounds.peersListedMax
        text.raw("]}")
        return .json(text)
    }

    func originalFiles(_ target: RequestTarget) async throws -> Response {
        let stream = HoldingStream(
            .all, of: role.service, after: try Self.cursor(target, "siguiente"),
            limit: Bounds.filesListedMax
        ) { holding, text in
            text.raw("{\"peer\":")
            text.string(holding.peer)
            text.member("filename", holding.entry.filename)
            Self.writeURL(of: holding, to: &text)
            text.raw("}")
        }
        if let response = try await stream.response(head: "{\"archivos\":[", tail: "}") {
            return response
        }
        var text = JSONText()
        text.raw("{\"archivos\":[]}")
        return .json(text)
    }

    /// What the peer said; where it is reached, for one that logged in with that instead.
    private static func writeURL(of holding: Holding, to text: inout JSONText) {
        if let url = holding.entry.url {
            text.raw(",\"url\":\(url)")
        } else if let base = holding.contact.restURL {
            text.member(
                "url", "\(base)/files/\(PercentEncoding.encode(path: holding.entry.filename))")
        } else {
            text.raw(",\"url\":[]")
        }
    }

    private static func parameter(
        _ name: String, _ target: RequestTarget
    ) throws(Problem) -> String {
        do throws(Problem) {
            if let text = try target.parameter(name) { return text }
        } catch {
            throw .badRequest("El parámetro '\(name)' no es texto UTF-8 codificado")
        }
        throw .badRequest("Falta el parámetro '\(name)'")
    }

    static func cursor(_ target: RequestTarget, _ name: String) throws -> PageCursor? {
        try target.parameter(name).map(PageCursor.init)
    }
}
