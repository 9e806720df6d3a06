import ArgumentParser
import CLinux
import FoundationEssentials
import Varlink

/// What every command takes.
struct CommonOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The daemon's socket (default: $P2PADM_SOCKET, else \(AdminSession.defaultSockets[0])"
                + " or \(AdminSession.defaultSockets[1])).",
            valueName: "path"),
        completion: .file())
    var socket: String?

    @Flag(help: "One JSON object a line, for programs.")
    var json = false

    /// The sockets to try, in order.
    func sockets(environment: [String: String]) -> [String] {
        if let socket { return [socket] }
        if let named = environment["P2PADM_SOCKET"], !named.isEmpty { return [named] }
        return AdminSession.defaultSockets
    }
}

/// A command that asks the daemon.
protocol AdminCommand: ParsableCommand {
    var common: CommonOptions { get }

    /// What the user asked for, to begin an error with: "search report".
    var action: String { get }

    /// Refuses arguments that no daemon needs to be asked about.
    func check() throws(CommandFailure)

    func perform(_ session: AdminSession, _ console: Console) throws(CommandFailure)
}

extension AdminCommand {
    func check() throws(CommandFailure) {}

    func run() throws {
        let environment = ProcessInfo.processInfo.environment
        let console = Console.standard(environment: environment)
        // Ctrl-C ends a wait for the daemon, and each command says what that means.
        let signal = OwnedDescriptor(owning: clinux_interrupt_signal())
        let status = execute(
            console, sockets: common.sockets(environment: environment),
            interrupt: signal.rawValue >= 0 ? signal.rawValue : nil)
        throw ExitCode(status.rawValue)
    }

    /// The whole command, errors told.
    func execute(_ console: Console, sockets: [String], interrupt: Int32? = nil) -> ProgramExit {
        do throws(CommandFailure) {
            try check()
            try perform(AdminSession(sockets: sockets, interrupt: interrupt), console)
            return .ok
        } catch {
            if !error.message.isEmpty { console.warn(error.message) }
            return error.status
        }
    }

    func printJSON(
        _ type: String,
        _ value: some Encodable,
        _ console: Console
    ) throws(CommandFailure) {
        let line: String
        do {
            line = try JSONLine.rendered(type, value)
        } catch {
            throw CommandFailure(.failed, "\(action): \(error)")
        }
        try console.output(line)
    }
}
