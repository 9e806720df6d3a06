import AsyncHTTPClient
import Catalog
import GRPCCore
import GRPCNghttp2
import LogMessages
import Logging
import Metrics
import NIOCore
import NIOPosix
import Overlay
import PrometheusExposition
import RootedFiles
import ServiceLifecycle
import Systemd
import Varlink

/// Puts the daemon together and runs it.
///
/// Order: what can fail for the user's reasons first (directories, lock, identity, ports), so that
/// nothing has happened yet when it does; then the domain, the faces, READY.
package final class Daemon: Sendable {
    /// How long transfers under way may go on after SIGTERM, before they are cut off.
    static let drainLimit = Duration.seconds(8)

    private let inputs: DaemonInputs
    private let configuration: PeerConfiguration
    private let lock: StateLock
    private let identity: PeerIdentity
    private let sockets: PublicSockets
    private let adminListeners: [VarlinkListener]
    private let level: SharedLogLevel
    private let logger: Logger

    /// Takes hold of everything that only one daemon can have.
    ///
    /// - Parameter passedSockets: Taken over, and served instead of sockets of its own.
    /// - Throws: ``StartupFailure``, with the line that its user reads.
    package init(
        inputs: DaemonInputs, configuration: PeerConfiguration,
        passedSockets: [SocketActivation.Socket], level: SharedLogLevel
    ) throws(StartupFailure) {
        let passed = try PassedSockets(passedSockets, ports: configuration.configuredPorts)
        try configuration.checkDirectories()
        let lock = try StateLock(stateDirectory: configuration.stateDirectory)
        identity = try PeerIdentity.load(stateDirectory: configuration.stateDirectory)
        sockets = try PublicSockets(configuration, passed: passed)
        adminListeners = try AdminSocket.listeners(configuration, passed: passed)
        self.lock = lock
        self.inputs = inputs
        self.configuration = configuration
        self.level = level
        logger = Logger(label: "p2p-peer")
    }

    /// Runs until SIGTERM or SIGINT, and then until what is under way has ended or the drain limit
    /// has passed.
    package func run(metrics: PrometheusRegistry) async throws {
        for (message, error) in inputs.remarks(on: configuration) {
            logger.report(message, ["error": "\(error)"])
        }
        let http = HTTPClient(
            eventLoopGroupProvider: .singleton, configuration: DaemonParts.httpConfiguration)
        do {
            let parts = try await DaemonParts(
                inputs: inputs, configuration: configuration, identity: identity, sockets: sockets,
                adminListeners: adminListeners, level: level, metrics: metrics, http: http,
                logger: logger)
            try await parts.run()
        } catch {
            try await http.shutdown()
            throw error
        }
        try await http.shutdown()
        logger.report(.stopped)
    }
}
