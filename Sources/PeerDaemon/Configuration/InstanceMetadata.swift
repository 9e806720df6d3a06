import AsyncHTTPClient
import NIOCore

/// What an EC2 instance's metadata service says of the instance, version 2 (with a session's token).
///
/// Source: AWS, "Use the Instance Metadata Service to access instance metadata". Nothing depends on it: see
/// docs/decisions/0023-ec2.md.
struct InstanceMetadata: Equatable, Sendable {
    /// The private address of the first interface: IPv4, or IPv6 where there is no other.
    var address: String
    /// `i-0123456789abcdef0`
    var instanceID: String?
    /// The tag `Name`, where the instance's tags may be read here (`instance_metadata_tags`).
    var nameTag: String?

    /// Why there is none.
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    /// Of the whole of it, all requests together. The service answers within a few milliseconds;
    /// where a hop limit or a firewall is in the way it never does.
    static let timeLimit = Duration.milliseconds(300)
    /// Of one answer. Names are at most 256 characters, addresses far less.
    static let answerBytesMax = 1024
    static let standardEndpoint = "http://169.254.169.254"

    /// Where to ask, by the variables of the AWS SDKs; nil where it is not to be asked.
    ///
    /// `AWS_EC2_METADATA_DISABLED=true` forbids it, `AWS_EC2_METADATA_SERVICE_ENDPOINT` names another place and
    /// stands for the hardware.
    static func endpoint(environment: [String: String], hardware: EC2Hardware) -> String? {
        if environment["AWS_EC2_METADATA_DISABLED"]?.lowercased() == "true" { return nil }
        if let named = environment["AWS_EC2_METADATA_SERVICE_ENDPOINT"], !named.isEmpty {
            return named.hasSuffix("/") ? String(named.dropLast()) : named
        }
        return hardware.isInstance ? standardEndpoint : nil
    }

    /// Asks the service, within ``timeLimit``.
    static func fetch(from endpoint: String) async throws(Failure) -> InstanceMetadata {
        let http = HTTPClient(
            eventLoopGroupProvider: .singleton, configuration: DaemonParts.httpConfiguration)
        let outcome = await withinTimeLimit {
            do {
                return .success(try await Session.open(at: endpoint, http).metadata())
            } catch let failure as Failure {
                return .failure(failure)
            } catch {
                return .failure(Failure(description: Session.reason(of: error)))
            }
        }
        do {
            try await http.shutdown()
        } catch {
            // A request that ran out of time was cut off: what was wanted.
        }
        return try outcome.get()
    }

    /// Whichever ends first, the work or the time.
    private static func withinTimeLimit(
        _ work: @escaping @Sendable () async -> Result<InstanceMetadata, Failure>
    ) async -> Result<InstanceMetadata, Failure> {
        let late = Failure(description: "no answer within \(timeLimit)")
        return await withTaskGroup { group in
            group.addTask { await work() }
            group.addTask {
                do {
                    try await Task.sleep(for: timeLimit)
                } catch {
                    // The work came first.
                }
                return .failure(late)
            }
            let first = await group.next()
            group.cancelAll()
            return first ?? .failure(late)
        }
    }
}

extension InstanceMetadata {
    /// A token, and what is asked with it.
    private struct Session {
        let http: HTTPClient
        let endpoint: String
        let token: String

        static func open(at endpoint: String, _ http: HTTPClient) async throws -> Session {
            var request = HTTPClientRequest(url: "\(endpoint)/latest/api/token")
            request.method = .PUT
            request.headers.add(name: "X-aws-ec2-metadata-token-ttl-seconds", value: "60")
            guard let token = try await send(request, http), !token.isEmpty,
                token.utf8.allSatisfy({ (0x21...0x7E).contains($0) })
            else { throw Failure(description: "it gave no token") }
            return Session(http: http, endpoint: endpoint, token: token)
        }

        func metadata() async throws -> InstanceMetadata {
            var address = try await value("local-ipv4", .address)
            if address == nil { address = try await value("ipv6", .address) }
            guard let address else { throw Failure(description: "it knows no address") }
            return InstanceMetadata(
                address: address, instanceID: try await value("instance-id", .name),
                nameTag: try await value("tags/instance/Name", .name))
        }

        /// - Returns: Nil where the instance has no such attribute.
        private func value(_ path: String, _ kind: ValueKind<String>) async throws -> String? {
            var request = HTTPClientRequest(url: "\(endpoint)/latest/meta-data/\(path)")
            request.headers.add(name: "X-aws-ec2-metadata-token", value: token)
            guard let text = try await Self.send(request, http) else { return nil }
            guard let value = kind.parse(.string(text)) else {
                throw Failure(description: "its \(path) is not \(kind.expected)")
            }
            return value
        }

        /// - Returns: Nil for 404.
        private static func send(
            _ request: HTTPClientRequest, _ http: HTTPClient
        ) async throws -> String? {
            let response = try await http.execute(request, timeout: TimeAmount(timeLimit))
            guard response.status != .notFound else { return nil }
            guard response.status == .ok else {
                throw Failure(description: "it answered HTTP \(response.status.code)")
            }
            let body: ByteBuffer
            do {
                body = try await response.body.collect(upTo: answerBytesMax)
            } catch is NIOTooManyBytesError {
                throw Failure(description: "it answered more than \(answerBytesMax) bytes")
            }
            guard let text = String(validating: body.readableBytesView, as: UTF8.self) else {
                throw Failure(description: "it answered something that is not text")
            }
            return text
        }

        static func reason(of error: any Error) -> String { RESTLinks.reason(of: error) }
    }
}
