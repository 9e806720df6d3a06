import AdminWire
import ArgumentParser

/// `p2padm rescan`
struct RescanCommand: AdminCommand {
    static let configuration = CommandConfiguration(
        commandName: "rescan", abstract: "Scans the shared directory again, and waits for it.")

    @OptionGroup var common: CommonOptions

    var action: String { "rescan" }

    func perform(_ session: AdminSession, _ console: Console) throws(CommandFailure) {
        let result: Admin.Rescan = try session.call("Rescan", action: action)
        if common.json { return try printJSON("rescan", result, console) }
        try console.output(
            "\(HumanFormat.plural(result.files, "file")), \(HumanFormat.size(result.bytes)):"
                + " \(result.added) added, \(result.changed) changed, \(result.removed) removed\n")
    }
}
