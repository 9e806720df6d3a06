import Directory
import Hummingbird
import HummingbirdCore

/// Who is logged in, and who has what, in pages.
extension DirectoryFace {
    func peers(_ target: RequestTarget) async throws -> Response {
        let limit = try Self.limit(target)
        let leases = try await role.service.peers(
            after: try target.parameter("after"), limit: limit)
        let now = WallClock.milliseconds()
        var text = JSONText()
        text.raw("{\"peers\":[")
        for (number, lease) in leases.enumerated() {
            text.raw(number > 0 ? ",{\"peer\":" : "{\"peer\":")
            text.string(lease.peer)
            Self.write(lease.contact, to: &text)
            text.member("since", lease.opened.milliseconds)
            let left = max(0, lease.expires.milliseconds - Int64(now))
            text.raw(",\"expires_in\":\(Double(left) / 1000)}")
        }
        text.raw("]")
        if leases.count == limit { text.member("next", leases.last?.peer) }
        text.raw("}")
        return .json(text)
    }

    func files(_ target: RequestTarget) async throws -> Response {
        let limit = try Self.limit(target)
        let page = try await role.service.holdings(
            try Self.query(target), after: try Self.cursor(target, "after"), limit: limit)
        var text = JSONText()
        text.raw("{\"files\":[")
        for (number, holding) in page.elements.enumerated() {
            text.raw(number > 0 ? ",{\"peer\":" : "{\"peer\":")
            text.string(holding.peer)
            Self.write(holding.contact, to: &text)
            text.member("filename", holding.entry.filename)
            text.member("size", holding.entry.size)
            text.member("sha256", holding.entry.sha256?.hexadecimal)
            text.member("modified", holding.entry.modified)
            if let url = holding.entry.url { text.raw(",\"url\":\(url)") }
            text.raw("}")
        }
        text.raw("]")
        if page.next != nil, page.elements.count < limit { text.raw(",\"partial\":true") }
        text.member("next", page.next?.string)
        text.raw("}")
        return .json(text)
    }

    private static func write(_ contact: PeerContact, to text: inout JSONText) {
        text.member("peer_url", contact.restURL)
        text.member("grpc", contact.grpc)
        text.member("peer_id", contact.peerID)
    }

    private static func limit(_ target: RequestTarget) throws(Problem) -> Int {
        try target.number("limit", in: 1...Bounds.pageMax) ?? Bounds.pageDefault
    }

    private static func query(_ target: RequestTarget) throws -> FileQuery {
        var queries: [FileQuery] = []
        if let name = try target.parameter("name") { queries.append(.named(name)) }
        if let part = try target.parameter("contains") { queries.append(.containing(part)) }
        if let peer = try target.parameter("peer") { queries.append(.heldBy(peer)) }
        if let text = try target.parameter("sha256") {
            guard let digest = SHA256Digest(hexadecimal: text) else {
                throw Problem.badRequest("the parameter \"sha256\" must be 64 hexadecimal digits")
            }
            queries.append(.sha256(digest))
        }
        guard queries.count <= 1 else {
            throw Problem.badRequest(
                "only one of the parameters name, contains, sha256 and peer can be given")
        }
        return queries.first ?? .all
    }
}
