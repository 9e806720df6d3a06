import Catalog
import Logging

/// The daemon's configuration, valid as a whole.
///
/// What a key means, takes and defaults to stands once, in ``ConfigurationKey/all``.
/// Made by ``load(file:environment:arguments:surroundings:)``.
package struct PeerConfiguration: Equatable, Sendable {
    package var name: String
    package var restPort = 8001
    package var grpcPort = 50051
    package var metricsPort = 9001
    package var sharedDirectory = "/srv/p2p-peer"
    /// REST base URL, without a slash at its end.
    package var friendPrimary: String?
    package var friendSecondary: String?
    /// As configured; ``selfURL(restPort:)`` is the one to use.
    package var configuredSelfURL: String?
    package var searchTTL = 3
    package var maxFanout = 3
    /// Host part of `grpc://ip:port` links and of the default ``selfURL(restPort:)``.
    package var ip: String
    package var healthCheckInterval = Duration.seconds(30)
    /// 0: no limit.
    package var requestsPerMinute = 600
    /// 0: no limit.
    package var downloadsPerMinute = 120
    package var stateDirectory: String
    package var adminSocket: String
    package var bindAddress = "::"
    package var logLevel = Logger.Level.info
    package var exclude = Exclusions.standard
    package var rescanInterval = Duration.seconds(3600)
    package var searchTimeout = Duration.seconds(5)
    package var directory = DirectoryConfiguration()
    package var acceptsUploads = false
    /// Bytes of the largest file that an upload may bring.
    package var uploadBytesMax = 10_000_000_000
    /// Bytes that uploads leave free on the disk of the shared directory.
    package var uploadFreeBytesMin = 1_000_000_000
    /// Friends that are not named by a REST URL, so that nobody can register with them.
    package var friendsWithoutREST: [String] = []

    /// The defaults on this host.
    package init(surroundings: Surroundings) {
        name = surroundings.hostName
        ip = surroundings.address
        stateDirectory = surroundings.stateDirectory
        adminSocket = "\(surroundings.runtimeDirectory)/admin.sock"
    }

    /// By which this peer logs in to a directory.
    package var directoryUsername: String { directory.username ?? name }

    /// The REST base URL under which others reach this peer.
    ///
    /// - Parameter restPort: The bound port, which a configured 0 leaves to the system.
    package func selfURL(restPort: Int) -> String {
        configuredSelfURL ?? "http://\(ip.contains(":") ? "[\(ip)]" : ip):\(restPort)"
    }
}
