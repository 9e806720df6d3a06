import Directory
import FoundationEssentials
import HTTPTypes
import Hummingbird
import HummingbirdCore
import NIOCore
import NIOPosix

/// The resources of a directory: those of the original (SEED-API.md A), and `/v1/directory/`.
///
/// Nothing large is read for a stranger: passwords come in bodies of at most
/// ``RESTFace/Bounds/requestBodyBytesMax`` or in the query, lists with a token that was looked at
/// before.
struct DirectoryFace: Sendable {
    /// Guesses, unless they say otherwise.
    enum Bounds {
        /// A change of some 50,000 files; a larger one is sent whole.
        static let deltaBytesMax = 8 << 20
        /// For the whole list, from its head on.
        static let listTimeout = TimeAmount.seconds(120)
        /// Of all connections: one list of the greatest length, or many of the usual ones.
        static let listBytesAtOnceMax = 96 << 20
        /// Smaller bodies are not counted among them.
        static let smallBodyBytes = 64 << 10
        static let pageDefault = 100
        static let pageMax = 1000
        /// Read from the store at a time.
        static let pageFiles = 500
        /// Of one answer in the original's form, which has no pages.
        static let filesListedMax = 100_000
        static let peersListedMax = 100_000
        static let peersPage = 10_000
    }

    let role: DirectoryRole
    private let lists = ListBodyBudget(bytes: Bounds.listBytesAtOnceMax)

    init(role: DirectoryRole) {
        self.role = role
    }

    private var service: DirectoryService { role.service }

    /// One request and how far its body has been read.
    struct Call {
        let target: RequestTarget
        let request: Request
        let context: RESTContext

        /// The client's address, without the port.
        var source: String { context.channel.remoteAddress?.ipAddress ?? "local" }
    }

    func answer(
        _ route: DirectoryRoute, _ call: Call, _ bodyState: inout RequestBodyState
    ) async throws -> Response {
        do {
            switch route {
            case .originalLogin: return try await originalLogin(call, &bodyState)
            case .originalHolders: return try await originalHolders(call.target)
            case .originalPeers: return try await originalPeers()
            case .originalFiles: return try await originalFiles(call.target)
            case .login: return try await logIn(call, &bodyState)
            case .heartbeat: return try await heartbeat(call, &bodyState)
            case .index: return try await takeList(call, &bodyState)
            case .logout: return try await logOut(call, &bodyState)
            case .peers: return try await peers(call.target)
            case .files: return try await files(call.target)
            }
        } catch let error as DirectoryError {
            throw route.isOriginal ? Problem(spanish: error) : Problem(error)
        }
    }

    // MARK: - Sessions

    private func logIn(_ call: Call, _ bodyState: inout RequestBodyState) async throws -> Response {
        let body = try await call.request.readBody(call.context.channel, &bodyState)
        let form = try LoginForm(json: body, call.request.headers)
        let login = try await role.logIn(
            name: form.username, password: form.password, source: call.source,
            contact: PeerContact(restURL: form.url, grpc: form.grpc, peerID: form.id),
            index: .version(try Self.version(form.index) ?? .empty))
        var text = JSONText()
        text.raw("{\"token\":")
        text.string(login.token.string)
        write(peer: form.username, login.index, to: &text)
        text.raw("}")
        return .json(text)
    }

    private func heartbeat(
        _ call: Call, _ bodyState: inout RequestBodyState
    ) async throws -> Response {
        let token = try Self.token(call.request)
        var index = IndexReport.nothing
        if let version = try Self.version(call.target.parameter("index")) {
            index = .version(version)
        }
        if call.request.announcesBody {
            // Nothing is read for a token that is of no lease.
            _ = try await role.service.heartbeat(token: token)
            index = .delta(
                try await readList(call, &bodyState, bytesMax: Bounds.deltaBytesMax) { bytes in
                    // Megabytes of JSON would hold up the other connections of this one's loop.
                    try await NIOThreadPool.singleton.runIfActive {
                        [limits = service.configuration.limits] in
                        try IndexReader(limits: limits).delta(bytes)
                    }
                })
        }
        let heartbeat = try await role.heartbeat(token: token, index: index)
        if case .sendWhole? = heartbeat.index { throw Problem.otherIndex }
        return response(heartbeat)
    }

    private func takeList(
        _ call: Call, _ bodyState: inout RequestBodyState
    ) async throws -> Response {
        let token = try Self.token(call.request)
        _ = try await role.service.heartbeat(token: token)
        let bytesMax = service.configuration.limits.listBytesMax
        return response(
            try await readList(call, &bodyState, bytesMax: bytesMax) { bytes in
                try await role.service.heartbeat(token: token, index: .json(bytes))
            })
    }

    private func logOut(_ call: Call, _ bodyState: inout RequestBodyState) async throws -> Response
    {
        let token = try Self.token(call.request)
        _ = try await call.request.readBody(call.context.channel, &bodyState)
        try await role.logOut(token: token)
        return Response(status: .noContent)
    }

    private func response(_ heartbeat: Heartbeat) -> Response {
        var text = JSONText()
        text.raw("{\"ok\":true")
        write(peer: heartbeat.peer, heartbeat.index, to: &text)
        text.raw("}")
        return .json(text)
    }

    private func write(peer: String, _ index: IndexAnswer?, to text: inout JSONText) {
        text.member("peer", peer)
        let lease = service.configuration.leaseDuration
        text.raw(",\"expires_in\":\(lease / .seconds(1))")
        let (isCurrent, state): (Bool, IndexState)
        switch index {
        case nil: return
        case .current(let held): (isCurrent, state) = (true, held)
        case .sendWhole(let held): (isCurrent, state) = (false, held)
        }
        text.raw(",\"index\":{\"current\":\(isCurrent),\"version\":")
        text.string(state.version.sum.hexadecimal)
        text.raw(",\"files\":\(state.files)}")
    }

    // MARK: - Bodies

    /// Reads a list of a peer that is logged in, and gives it to `use`.
    private func readList<Result>(
        _ call: Call, _ bodyState: inout RequestBodyState, bytesMax: Int,
        _ use: ([UInt8]) async throws -> Result
    ) async throws -> Result {
        try call.request.headers.checkIdentityCoding()
        let announced = call.request.headers[.contentLength].flatMap { Int($0) }
        let bytes = min(announced ?? bytesMax, bytesMax)
        let counted = bytes > Bounds.smallBodyBytes ? bytes : 0
        guard lists.take(counted) else { throw Problem.listsBusy }
        defer { lists.giveBack(counted) }
        let body = try await call.request.readBody(
            call.context.channel, &bodyState, bytesMax: bytesMax, timeout: Bounds.listTimeout)
        do {
            return try await use(Array(body.readableBytesView))
        } catch let fault as IndexFault {
            throw DirectoryError.badIndex(fault)
        }
    }

    /// The token of `Authorization: Bearer` (RFC 6750 §2.1).
    private static func token(_ request: Request) throws -> SessionToken {
        guard let field = request.headers[.authorization] else { throw Problem.tokenMissing }
        let parts = field.split(separator: " ", maxSplits: 1)
        guard parts.count == 2, parts[0].lowercased() == "bearer" else {
            throw Problem.tokenMissing
        }
        guard let token = SessionToken(String(parts[1])) else { throw DirectoryError.unknownToken }
        return token
    }

    private static func version(_ text: String?) throws(DirectoryError) -> IndexVersion? {
        guard let text else { return nil }
        guard let sum = SHA256Digest(hexadecimal: text) else {
            throw .invalid(reason: "an index's version has 64 hexadecimal digits")
        }
        return IndexVersion(sum: sum)
    }
}

/// The body of `POST /v1/directory/login`.
private struct LoginForm: Decodable {
    var username: String
    var password: String
    /// REST base URL.
    var url: String?
    /// `grpc://IP:PORT`.
    var grpc: String?
    /// In the overlay.
    var id: String?
    /// The version of the list that the peer has; that of no files when it says nothing.
    var index: String?

    /// - Throws: ``Problem``, which repeats nothing of the body.
    init(json: ByteBuffer, _ fields: HTTPFields) throws {
        try fields.checkIdentityCoding()
        do {
            self = try JSONDecoder().decode(Self.self, from: Data(json.readableBytesView))
        } catch DecodingError.dataCorrupted {
            throw Problem.badRequest("the body is not JSON")
        } catch {
            throw Problem.unprocessable(
                "the body must be an object with the strings \"username\" and \"password\"; "
                    + "\"url\", \"grpc\", \"id\" and \"index\" are strings, too")
        }
    }
}

extension DirectoryRoute {
    fileprivate var isOriginal: Bool { !rawValue.hasPrefix("/v1/") }
}

extension HTTPFields {
    /// - Throws: ``Problem`` 415 for a body that is compressed.
    func checkIdentityCoding() throws(Problem) {
        if let coding = self[.contentEncoding], coding.lowercased() != "identity" {
            throw Problem(
                status: .unsupportedMediaType, detail: "the body must not be compressed")
        }
    }
}
