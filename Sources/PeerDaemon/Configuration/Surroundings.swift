import Glibc

/// What defaults are taken from: the host and the service manager.
package struct Surroundings: Equatable, Sendable {
    package var hostName: String
    /// By which others most likely reach this host.
    package var address: String
    package var stateDirectory: String
    package var runtimeDirectory: String
    /// Why an EC2 instance's metadata service was of no help, where there is one.
    package var metadataFailure: String?

    /// Of no particular host; for documentation and tests.
    package static let none = Surroundings(
        hostName: "localhost", address: "127.0.0.1", stateDirectory: "/var/lib/p2p-peer",
        runtimeDirectory: "/run/p2p-peer")

    /// This host's. Nothing is sent, except on an EC2 instance to its metadata service.
    ///
    /// - Parameter environment: STATE_DIRECTORY and RUNTIME_DIRECTORY as systemd.exec(5) sets
    ///   them; where they name several directories, separated by colons, the first counts.
    ///   AWS_EC2_METADATA_DISABLED and AWS_EC2_METADATA_SERVICE_ENDPOINT as the AWS SDKs take them.
    package static func current(environment: [String: String]) async -> Surroundings {
        var surroundings = Surroundings.none
        if let directory = first(environment["STATE_DIRECTORY"]) {
            surroundings.stateDirectory = directory
        }
        if let directory = first(environment["RUNTIME_DIRECTORY"]) {
            surroundings.runtimeDirectory = directory
        }
        let (instance, failure) = await instance(environment: environment)
        let address = instance?.address ?? HostAddress.current()
        surroundings.metadataFailure = failure
        if let address { surroundings.address = address }
        surroundings.hostName = name(
            hostName: currentHostName(), instance: instance, address: surroundings.address)
        return surroundings
    }

    /// What this peer is called by itself.
    ///
    /// A name that somebody gave the host comes first. Where nobody did, the instance's tag `Name` is
    /// what people call it, else the name that EC2 made (`ip-10-0-0-7`, `i-….ec2.internal`), else
    /// its id, else its address: `localhost` would be the name of them all.
    static func name(hostName: String?, instance: InstanceMetadata?, address: String) -> String {
        let given = hostName.flatMap { isAnonymous($0) ? nil : $0 }
        if let given, instance == nil || !isMadeByEC2(given) { return given }
        return instance?.nameTag ?? given ?? instance?.instanceID ?? address
    }

    private static func isAnonymous(_ hostName: String) -> Bool {
        let label = hostName.split(separator: ".", maxSplits: 1).first.map(String.init)
        return label.map { ["localhost", "(none)"].contains($0.lowercased()) } ?? true
    }

    /// Source: AWS, "Amazon EC2 instance hostname types".
    private static func isMadeByEC2(_ hostName: String) -> Bool {
        let label = hostName.prefix { $0 != "." }
        if label.hasPrefix("ip-") {
            return label.dropFirst(3).split(separator: "-").allSatisfy { UInt8($0) != nil }
        }
        return label.hasPrefix("i-") && label.dropFirst(2).allSatisfy(\.isHexDigit)
    }

    private static func instance(
        environment: [String: String]
    ) async -> (InstanceMetadata?, failure: String?) {
        guard
            let endpoint = InstanceMetadata.endpoint(
                environment: environment, hardware: EC2Hardware())
        else { return (nil, nil) }
        do {
            return (try await InstanceMetadata.fetch(from: endpoint), nil)
        } catch {
            return (nil, "\(endpoint): \(error)")
        }
    }

    private static func first(_ paths: String?) -> String? {
        paths?.split(separator: ":").first.map(String.init)
    }

    private static func currentHostName() -> String? {
        var buffer = [CChar](repeating: 0, count: 256)
        guard gethostname(&buffer, buffer.count - 1) == 0 else { return nil }
        let name = String(
            decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return name.isEmpty ? nil : name
    }
}
