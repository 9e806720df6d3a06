import LogMessages
import Logging
import Systemd

/// Reads the configuration again, and puts into effect what can change while the daemon runs.
///
/// A configuration with faults changes nothing.
actor Reloader {
    private let inputs: DaemonInputs
    private let peer: Peer
    private let level: SharedLogLevel
    private let logger: Logger
    private let notifier = Notifier()
    /// What the daemon runs with: keys that need a restart keep their old value here.
    private var current: PeerConfiguration

    init(
        inputs: DaemonInputs, configuration: PeerConfiguration, peer: Peer, level: SharedLogLevel,
        logger: Logger
    ) {
        self.inputs = inputs
        self.peer = peer
        self.level = level
        self.logger = logger
        current = configuration
    }

    /// - Throws: ``ConfigurationFaults``, all of them.
    func reload() async throws(ConfigurationFaults) -> ReloadOutcome {
        notifier.reloading()
        defer { notifier.ready() }
        let new: PeerConfiguration
        do {
            new = try inputs.loadConfiguration()
        } catch {
            logger.report(.configurationRefused, ["faults": "\(error)"])
            throw error
        }
        let differences = new.differences(from: current)
        await apply(new)
        let outcome = ReloadOutcome(
            changed: differences.filter(\.live).map(\.key),
            needsRestart: differences.filter { !$0.live }.map(\.key))
        logger.report(
            .configurationReloaded,
            [
                "changed": "\(outcome.changed.joined(separator: ","))",
                "needs_restart": "\(outcome.needsRestart.joined(separator: ","))",
            ])
        return outcome
    }

    private func apply(_ new: PeerConfiguration) async {
        level.level = new.logLevel
        peer.change(LiveSettings(new))
        await peer.network.reconfigure(
            friends: new.friends, healthCheckInterval: new.healthCheckInterval,
            fanoutMax: new.maxFanout)
        current.applyLive(from: new)
    }
}

extension PeerConfiguration {
    /// Takes over the keys that a reload puts into effect.
    mutating func applyLive(from new: PeerConfiguration) {
        logLevel = new.logLevel
        searchTTL = new.searchTTL
        maxFanout = new.maxFanout
        searchTimeout = new.searchTimeout
        requestsPerMinute = new.requestsPerMinute
        downloadsPerMinute = new.downloadsPerMinute
        healthCheckInterval = new.healthCheckInterval
        friendPrimary = new.friendPrimary
        friendSecondary = new.friendSecondary
        acceptsUploads = new.acceptsUploads
        uploadBytesMax = new.uploadBytesMax
        uploadFreeBytesMin = new.uploadFreeBytesMin
    }
}
