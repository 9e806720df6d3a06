import LogMessages
import Systemd

/// What the process was given; a reload reads the same places again.
package struct DaemonInputs: Sendable {
    package var configurationFile: String?
    package var environment: [String: String]
    /// Values from the command line, by key path.
    package var arguments: [String: String]
    package var version: String
    /// Looked at once: what the host says of itself takes effect with a restart.
    package var surroundings: Surroundings

    package init(
        configurationFile: String?, environment: [String: String], arguments: [String: String],
        version: String, surroundings: Surroundings
    ) {
        self.configurationFile = configurationFile
        self.environment = environment
        self.arguments = arguments
        self.version = version
        self.surroundings = surroundings
    }

    package func loadConfiguration() throws(ConfigurationFaults) -> PeerConfiguration {
        try .load(
            file: configurationFile, environment: environment, arguments: arguments,
            surroundings: surroundings)
    }

    /// What its user should know of the surroundings, each with why.
    package func remarks(on configuration: PeerConfiguration) -> [(LogMessage, error: String)] {
        var remarks: [(LogMessage, error: String)] = []
        if let failure = surroundings.metadataFailure {
            remarks.append((.instanceMetadataFailed, failure))
        }
        let isUnreachable =
            configuration.ip == Surroundings.none.address && configuration.configuredSelfURL == nil
            && configuration.ip == surroundings.address
        if isUnreachable {
            remarks.append((.noAddress, "only \(configuration.ip)"))
        }
        for friend in configuration.friendsWithoutREST {
            remarks.append((.friendWithoutREST, friend))
        }
        let directory = configuration.directory
        if !directory.urls.isEmpty, directory.logsIn, directory.password == nil {
            remarks.append(
                (.noDirectoryPassword, "account \(configuration.directoryUsername)"))
        }
        return remarks
    }
}
