import Glibc

/// What defaults are taken from: the host and the service manager.
package struct Surroundings: Equatable, Sendable {
    package var hostName: String
    /// By which others most likely reach this host.
    package var address: String
    package var stateDirectory: String
    package var runtimeDirectory: String

    /// Of no particular host; for documentation and tests.
    package static let none = Surroundings(
        hostName: "localhost", address: "127.0.0.1", stateDirectory: "/var/lib/p2p-peer",
        runtimeDirectory: "/run/p2p-peer")

    /// This host's, found without sending anything.
    ///
    /// - Parameter environment: STATE_DIRECTORY and RUNTIME_DIRECTORY as systemd.exec(5) sets
    ///   them; where they name several directories, separated by colons, the first counts.
    package static func current(environment: [String: String]) -> Surroundings {
        var surroundings = Surroundings.none
        if let name = currentHostName() { surroundings.hostName = name }
        if let address = DefaultRoute.address() { surroundings.address = address }
        if let directory = first(environment["STATE_DIRECTORY"]) {
            surroundings.stateDirectory = directory
        }
        if let directory = first(environment["RUNTIME_DIRECTORY"]) {
            surroundings.runtimeDirectory = directory
        }
        return surroundings
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
