import AdminWire
import ArgumentParser
import LogMessages
import Logging
import Metrics
import PeerDaemon
import PrometheusExposition
import SystemPackage
import Systemd

/// The daemon's command line: arguments and exit codes.
@main
struct P2PPeer: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "p2p-peer",
        abstract: "Shares a directory, finds files on other hosts and moves them, verified.",
        discussion: """
            Reads the configuration from FILE, then from peer.d/*.json beside it, then from P2P_* \
            variables, then from --set; later values win. Where it is not started by systemd, it stays in \
            the foreground.

            EXAMPLES
              p2p-peer --check-config /etc/p2p-peer/peer.json
              p2p-peer --config my.json --set rest_port=0 --set log_level=debug

            EXIT STATUS
              0    stopped in order
              64   wrong usage
              66   a directory is missing
              69   a port, the state directory or the admin socket is in use
              70   internal error
              71   the system refused something
              77   no permission
              78   the configuration has faults

            SIGNALS
              SIGHUP   reads the configuration again; with faults, the old one stays
              SIGTERM  stops; transfers under way have 8 seconds to end
              SIGINT   stops, as SIGTERM does

            KEYS
            Changes of those that are live take effect with a reload, the others need a restart.

            \(ConfigurationKey.helpText)
            """,
        version: "p2p-peer \(Project.version)")

    static let defaultFile = "/etc/p2p-peer/peer.json"

    @Option(help: ArgumentHelp("The configuration.", valueName: "file"), completion: .file())
    var config = Self.defaultFile

    @Option(
        help: ArgumentHelp(
            "Check a configuration, print what it amounts to, and exit; directories and ports are not tried.",
            valueName: "file"), completion: .file())
    var checkConfig: String?

    @Option(
        name: .customLong("set"),
        help: ArgumentHelp("Set one key, for example --set rest_port=0.", valueName: "key=value"),
        completion: .list(ConfigurationKey.all.map { "\($0.path)=" }))
    var settings: [String] = []

    func run() async throws {
        do {
            let inputs = try await inputs()
            if checkConfig != nil { return try check(inputs) }
            try await serve(inputs)
        } catch let failure as StartupFailure {
            try exit(failure)
        } catch let error as ValidationError {
            throw error
        } catch {
            try exit(
                StartupFailure(
                    code: .software, message: "stopped by an error of its own: \(error)"))
        }
    }

    private func inputs() async throws -> DaemonInputs {
        var arguments: [String: String] = [:]
        for setting in settings {
            guard let equals = setting.firstIndex(of: "="), equals > setting.startIndex else {
                throw ValidationError("--set \(setting): expected KEY=VALUE")
            }
            arguments[String(setting[..<equals])] = String(setting[setting.index(after: equals)...])
        }
        let environment = Environment.all()
        return DaemonInputs(
            configurationFile: checkConfig ?? config, environment: environment,
            arguments: arguments, version: Project.version,
            surroundings: await .current(environment: environment))
    }

    private func check(_ inputs: DaemonInputs) throws {
        let configuration = try load(inputs)
        for (key, value) in configuration.settings { print("\(key) = \(value)") }
        say(inputs.remarks(on: configuration).map { "\($0.text): \($1)" })
    }

    private func serve(_ inputs: DaemonInputs) async throws {
        let sockets = try takeSockets()
        let configuration = try load(inputs)
        let level = SharedLogLevel(configuration.logLevel)
        let destination = LogDestination.detect(environment: inputs.environment)
        LoggingSystem.bootstrap { _ in
            destination.makeHandler(identifier: "p2p-peer", level: level)
        }
        let metrics = PrometheusRegistry()
        MetricsSystem.bootstrap(metrics)
        ProcessLimits.ignoreSignals()
        ProcessLimits.raiseOpenFiles()
        if configuration.directory.serve { ProcessLimits.forbidCoreFiles() }
        let daemon = try Daemon(
            inputs: inputs, configuration: configuration, passedSockets: sockets, level: level)
        try await daemon.run(metrics: metrics)
    }

    private func takeSockets() throws(StartupFailure) -> [SocketActivation.Socket] {
        do {
            return try SocketActivation.takeSockets()
        } catch {
            throw .system("LISTEN_FDS: the sockets passed cannot be taken", errno: error.errno)
        }
    }

    private func load(_ inputs: DaemonInputs) throws(StartupFailure) -> PeerConfiguration {
        do {
            return try inputs.loadConfiguration()
        } catch {
            throw error.startupFailure
        }
    }

    /// One line a fault, or one entry where standard error is the journal; nothing was changed.
    private func exit(_ failure: StartupFailure) throws -> Never {
        let faults = failure.message.split(separator: "\n")
        let destination = LogDestination.detect(environment: Environment.all())
        if destination == .journal {
            let logger = Logger(label: "p2p-peer") { _ in
                destination.makeHandler(identifier: "p2p-peer", level: SharedLogLevel(.info))
            }
            for fault in faults {
                logger.report(
                    .startRefused, ["reason": "\(fault)", "exit_code": "\(failure.code.rawValue)"])
            }
        } else {
            say(faults.map(String.init))
        }
        throw ArgumentParser.ExitCode(failure.code.rawValue)
    }

    private func say(_ lines: [String]) {
        let text = lines.map { "p2p-peer: \($0)\n" }.joined()
        // A closed standard error is no reason for another exit code.
        _ = try? FileDescriptor.standardError.writeAll(text.utf8)
    }
}
