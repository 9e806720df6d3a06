import Systemd

/// What the process was given; a reload reads the same places again.
package struct DaemonInputs: Sendable {
    package var configurationFile: String?
    package var environment: [String: String]
    /// Values from the command line, by key path.
    package var arguments: [String: String]
    package var version: String

    package init(
        configurationFile: String?, environment: [String: String], arguments: [String: String],
        version: String
    ) {
        self.configurationFile = configurationFile
        self.environment = environment
        self.arguments = arguments
        self.version = version
    }

    package func loadConfiguration() throws(ConfigurationFaults) -> PeerConfiguration {
        try .load(
            file: configurationFile, environment: environment, arguments: arguments,
            surroundings: .current(environment: environment))
    }
}
