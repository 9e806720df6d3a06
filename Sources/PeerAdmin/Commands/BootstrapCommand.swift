import AdminWire
import ArgumentParser

/// `p2padm bootstrap`
struct BootstrapCommand: AdminCommand {
    static let configuration = CommandConfiguration(
        commandName: "bootstrap",
        abstract: "Registers with both friends again.",
        discussion: "Exits 1 when no friend could be reached.")

    @OptionGroup var common: CommonOptions

    var action: String { "bootstrap" }

    func perform(_ session: AdminSession, _ console: Console) throws(CommandFailure) {
        let result: Admin.Bootstrap = try session.call("Bootstrap", action: action)
        if common.json {
            try printJSON("bootstrap", result, console)
        } else {
            var lines = result.registered.map { "registered with \(TerminalText.escaped($0))" }
            lines.append("\(HumanFormat.plural(result.known.count, "peer")) known")
            try console.output(lines.map { $0 + "\n" }.joined())
        }
        for failure in result.failed {
            console.warn(
                "bootstrap: \(TerminalText.escaped(failure.url)):"
                    + " \(TerminalText.escaped(failure.reason))")
        }
        if result.registered.isEmpty {
            throw CommandFailure(
                .failed,
                result.failed.isEmpty
                    ? "bootstrap: no friend is configured: set friend_primary" : "")
        }
    }
}
