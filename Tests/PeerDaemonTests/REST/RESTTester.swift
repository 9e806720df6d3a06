import FoundationEssentials
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Logging
import NIOCore

@testable import PeerDaemon

/// Asks the REST face of a fake node.
struct RESTTester {
    let node: FakeNode
    let face: RESTFace

    init(directory: DirectoryRole? = nil) throws {
        let node = try FakeNode()
        self.node = node
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        face = RESTFace(
            node: node, directory: directory, limiter: ClientLimiter(),
            metrics: { accept in ("text/plain; version=0.0.4", Array("up 1 \(accept ?? "-")".utf8))
            },
            logger: logger)
    }

    /// - Parameter framework: `.live` goes through a socket.
    func ask(
        _ method: HTTPRequest.Method = .get, _ uri: String, _ fields: HTTPFields = [:],
        body: String? = nil, framework: TestingSetup = .router
    ) async throws -> TestResponse {
        try await Self.application(RESTResponder(face: face)).test(framework) { client in
            try await client.execute(
                uri: uri, method: method, headers: fields,
                body: body.map { ByteBuffer(string: $0) })
        }
    }

    /// As ``HTTPListener`` serves a responder.
    static func application<Responder: HTTPResponder>(
        _ responder: Responder
    ) -> Application<Responder> where Responder.Context == RESTContext {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        return Application(
            responder: responder, server: .http1(configuration: RESTFace.channelConfiguration()),
            logger: logger)
    }

    func json(_ response: TestResponse) throws -> JSONObject {
        try JSONDecoder().decode(JSONObject.self, from: Data(response.body.readableBytesView))
    }

    /// The body of a 200 to GET.
    func get(_ uri: String) async throws -> JSONObject {
        let response = try await ask(.get, uri)
        guard response.status == .ok else { throw Unexpected(status: response.status.code) }
        return try json(response)
    }

    struct Unexpected: Error {
        let status: Int
    }
}

extension TestResponse {
    var text: String { String(buffer: body) }
}

/// Any JSON, for looking at it as an old client would.
@dynamicMemberLookup
enum JSONObject: Decodable, Equatable {
    case null
    case bool(Bool)
    case number(Double)
    case string(String)
    case array([JSONObject])
    case object([String: JSONObject])

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode(Bool.self) {
            self = .bool(value)
        } else if let value = try? container.decode(Double.self) {
            self = .number(value)
        } else if let value = try? container.decode(String.self) {
            self = .string(value)
        } else if let value = try? container.decode([JSONObject].self) {
            self = .array(value)
        } else {
            self = .object(try container.decode([String: JSONObject].self))
        }
    }

    subscript(dynamicMember name: String) -> JSONObject? {
        guard case .object(let members) = self else { return nil }
        return members[name]
    }

    subscript(index: Int) -> JSONObject? {
        guard case .array(let elements) = self, elements.indices.contains(index) else { return nil }
        return elements[index]
    }

    var keys: Set<String> {
        guard case .object(let members) = self else { return [] }
        return Set(members.keys)
    }

    var count: Int? {
        guard case .array(let elements) = self else { return nil }
        return elements.count
    }
}

extension JSONObject: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByArrayLiteral, ExpressibleByBooleanLiteral, ExpressibleByFloatLiteral
{
    init(stringLiteral value: String) { self = .string(value) }
    init(integerLiteral value: Int) { self = .number(Double(value)) }
    init(floatLiteral value: Double) { self = .number(value) }
    init(booleanLiteral value: Bool) { self = .bool(value) }
    init(arrayLiteral elements: JSONObject...) { self = .array(elements) }
}
