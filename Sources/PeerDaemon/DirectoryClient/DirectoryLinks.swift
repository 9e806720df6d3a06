import AsyncHTTPClient
import Directory
import FoundationEssentials
import NIOCore
import NIOHTTP1

/// The requests of a peer to a directory, in both dialects.
///
/// No error names a request's target or repeats its answer's text where the password was in the
/// query: a server may send it back.
struct DirectoryLinks: Sendable {
    /// Who logs in.
    struct Account: Sendable {
        var username: String
        var password: Secret
    }

    /// Larger changes are sent as a whole list. Source: what a directory takes.
    static let deltaBytesMax = 8 << 20
    /// Of an answer to a login or a sign of life (guess: they are short).
    private static let answerBytesMax = 64 << 10
    /// A login waits for others, whose passwords take a while.
    private static let timeout = Duration.seconds(10)
    private static let listTimeout = Duration.seconds(120)
    /// The daemon waits for it before it ends.
    private static let logoutTimeout = Duration.seconds(2)

    let http: HTTPClient
    let identity: NodeIdentity

    // MARK: - In the current dialect

    /// - Returns: The token of a login that was taken.
    func logIn(
        at url: String, as account: Account, index: IndexVersion
    ) async -> (DirectorySession.Outcome, token: String?) {
        var form = JSONText()
        form.raw("{\"username\":")
        form.string(account.username)
        form.member("password", account.password.value)
        form.member("url", identity.url.description)
        form.member("grpc", "grpc://\(identity.grpc)")
        form.member("id", identity.id)
        form.member("index", index.sum.hexadecimal)
        form.raw("}")
        var request = HTTPClientRequest(url: "\(url)/v1/directory/login")
        request.method = .POST
        request.setBody(form)
        let (outcome, answer) = await session(request, isLogin: true)
        guard case .accepted = outcome else { return (outcome, nil) }
        guard let token = answer?.token, token.utf8.count <= 1024 else {
            return (.failed("sent a login's answer without a token", retryAfter: nil), nil)
        }
        return (outcome, token)
    }

    /// - Parameter delta: What has changed; nil where nothing has.
    func heartbeat(
        at url: String, token: String, index: IndexVersion, delta: JSONText?
    ) async -> DirectorySession.Outcome {
        let target = "\(url)/v1/directory/heartbeat"
        var request = HTTPClientRequest(
            url: delta == nil ? "\(target)?index=\(index.sum.hexadecimal)" : target)
        request.method = .POST
        request.headers.add(name: "authorization", value: "Bearer \(token)")
        if let delta { request.setBody(delta) }
        return await session(request, timeout: delta == nil ? Self.timeout : Self.listTimeout).0
    }

    /// Sends the whole list.
    func putList(
        _ list: JSONText, at url: String, token: String
    ) async -> DirectorySession.Outcome {
        var request = HTTPClientRequest(url: "\(url)/v1/directory/index")
        request.method = .PUT
        request.headers.add(name: "authorization", value: "Bearer \(token)")
        request.setBody(list)
        return await session(request, timeout: Self.listTimeout).0
    }

    /// Leaves the directory, whose answers then leave this peer out at once.
    ///
    /// - Returns: Whether the directory said that it is done. Otherwise the lease runs out.
    func logOut(at url: String, token: String) async -> Bool {
        var request = HTTPClientRequest(url: "\(url)/v1/directory/logout")
        request.method = .POST
        request.headers.add(name: "authorization", value: "Bearer \(token)")
        do {
            return try await send(
                request, bytesMax: Self.answerBytesMax, timeout: Self.logoutTimeout
            ).status == .noContent
        } catch {
            return false
        }
    }

    /// An answer to a login, a sign of life, or a list.
    // swift-format-ignore: AlwaysUseLowerCamelCase
    private struct SessionAnswer: Decodable {
        struct Index: Decodable {
            var current: Bool
        }

        var token: String?
        /// Seconds.
        var expires_in: Double?
        var index: Index?
    }

    private func session(
        _ request: HTTPClientRequest, isLogin: Bool = false, timeout: Duration = Self.timeout
    ) async -> (DirectorySession.Outcome, SessionAnswer?) {
        do {
            let answer = try await send(request, bytesMax: Self.answerBytesMax, timeout: timeout)
            switch answer.status {
            case .ok: break
            case .unauthorized where isLogin:
                return (.refused("does not accept the user name or the password"), nil)
            case .unauthorized: return (.tokenUnknown, nil)
            case .notFound, .methodNotAllowed: return (.notFound, nil)
            case .conflict: return (.listWanted, nil)
            default: return (answer.failure, nil)
            }
            let document = try JSONDecoder().decode(
                SessionAnswer.self, from: Data(answer.body.readableBytesView))
            let lease = document.expires_in.flatMap { seconds -> Duration? in
                (0.001...1e9).contains(seconds) ? .seconds(seconds) : nil
            }
            return (
                .accepted(lease: lease, isCurrent: document.index?.current ?? true), document
            )
        } catch let failure as RESTLinks.Failure {
            return (.failed(failure.description, retryAfter: nil), nil)
        } catch {
            return (.failed("sent an answer that cannot be read", retryAfter: nil), nil)
        }
    }

    // MARK: - In the original's

    /// `POST /login?username=&password=&files_index=`: both first login and sign of life.
    func originalLogIn(
        at url: String, as account: Account, list: JSONText
    ) async -> DirectorySession.Outcome {
        let query = [
            ("username", Array(account.username.utf8)),
            ("password", Array(account.password.value.utf8)),
            ("files_index", Array(list.buffer.readableBytesView)),
        ].map { "\($0)=\(PercentEncoding.encode(value: $1))" }.joined(separator: "&")
        var request = HTTPClientRequest(url: "\(url)/login?\(query)")
        request.method = .POST
        do {
            let answer = try await send(
                request, bytesMax: Self.answerBytesMax, timeout: Self.timeout)
            switch answer.status {
            case .ok: return .accepted(lease: nil, isCurrent: true)
            case .unauthorized: return .refused("does not accept the user name or the password")
            case .notFound, .methodNotAllowed: return .notFound
            default:
                return .failed(
                    "answered HTTP \(answer.status.code)", retryAfter: answer.retryAfter)
            }
        } catch {
            return .failed(
                (error as? RESTLinks.Failure)?.description ?? "sent an answer that cannot be read",
                retryAfter: nil)
        }
    }

    // MARK: - HTTP

    struct Answer {
        var status: HTTPResponseStatus
        var body: ByteBuffer
        var retryAfter: Duration?

        /// Its status and, where there are some, the first of its words.
        var failure: DirectorySession.Outcome {
            struct Document: Decodable {
                var detail: String
            }
            var text = "answered HTTP \(status.code)"
            do {
                let document = try JSONDecoder().decode(
                    Document.self, from: Data(body.readableBytesView))
                text += ": \(document.detail.prefix(200))"
            } catch {
                // The status says enough.
            }
            return .failed(text, retryAfter: retryAfter)
        }
    }

    /// - Throws: ``RESTLinks/Failure`` where there was no answer.
    func send(
        _ request: HTTPClientRequest, bytesMax: Int, timeout: Duration
    ) async throws -> Answer {
        do {
            let response = try await http.execute(request, timeout: TimeAmount(timeout))
            let body = try await response.body.collect(upTo: bytesMax)
            let retryAfter = response.headers.first(name: "retry-after").flatMap { Int($0) }
            return Answer(
                status: response.status, body: body,
                retryAfter: retryAfter.flatMap { 0...86_400 ~= $0 ? .seconds($0) : nil })
        } catch {
            throw RESTLinks.Failure(description: RESTLinks.reason(of: error))
        }
    }
}

extension HTTPClientRequest {
    fileprivate mutating func setBody(_ text: JSONText) {
        headers.add(name: "content-type", value: "application/json")
        body = .bytes(text.buffer)
    }
}
