import AdminWire
import ArgumentParser

/// `p2padm reload`
struct ReloadCommand: AdminCommand {
    static let configuration = CommandConfiguration(
        commandName: "reload",
        abstract: "Reads the configuration again, without a restart.",
        discussion: "Exits 78 when it cannot be used; the daemon then keeps its old one.")

    @OptionGroup var common: CommonOptions

    var action: String { "reload" }

    func perform(_ session: AdminSession, _ console: Console) throws(CommandFailure) {
        let result: Admin.Reload = try session.call("Reload", action: action)
        if common.json { return try printJSON("reload", result, console) }
        var lines = result.changed.map { "changed: \(TerminalText.escaped($0))" }
        lines += result.needs_restart.map { "needs a restart: \(TerminalText.escaped($0))" }
        if lines.isEmpty { lines = ["nothing changed"] }
        try console.output(lines.map { $0 + "\n" }.joined())
    }
}
