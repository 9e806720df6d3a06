import AdminWire
import ArgumentParser

/// `p2padm status`
struct StatusCommand: AdminCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "What the daemon is, does and listens on.")

    @OptionGroup var common: CommonOptions

    var action: String { "status" }

    func perform(_ session: AdminSession, _ console: Console) throws(CommandFailure) {
        let status: Admin.Status = try session.call("Status", action: action)
        if common.json { return try printJSON("status", status, console) }
        try console.output(StatusBlock.rendered(status, style: console.style, now: console.now()))
    }
}

/// The lines of `p2padm status`.
enum StatusBlock {
    /// - Parameter now: Milliseconds since 1970.
    static func rendered(_ status: Admin.Status, style: Style, now: Int) -> String {
        var lines = [
            ("peer", "\(status.name)  \(status.url)"),
            ("id", status.id),
            (
                "daemon",
                "version \(status.version), pid \(status.pid), up "
                    + HumanFormat.duration(milliseconds: status.uptime_ms)
            ),
            (
                "ports",
                "REST \(status.ports.rest), gRPC \(status.ports.grpc),"
                    + " metrics \(status.ports.metrics)"
            ),
            ("shared", "\(status.shared_dir): \(catalog(status.catalog))"),
            ("peers", "\(status.peers_alive) alive of \(status.peers_known) known"),
            ("transfers", transfers(status.transfers)),
            ("config", status.config_file),
            ("state", status.state_dir),
        ]
        if let held = status.directory { lines.append(("directory", directory(held))) }
        if let login = status.login { lines.append(("login", Self.login(login, now: now))) }
        return lines.map { name, value in
            let padding = String(repeating: " ", count: 11 - name.count)
            return style.colored(name, .bold) + padding + TerminalText.escaped(value) + "\n"
        }.joined()
    }

    private static func catalog(_ catalog: Admin.Catalog) -> String {
        var text = HumanFormat.plural(catalog.files, "file")
        text += ", \(HumanFormat.size(catalog.bytes)), \(catalog.state)"
        if catalog.hashed < catalog.files {
            text += ", \(catalog.hashed * 100 / catalog.files) % hashed"
        }
        if !catalog.watching { text += ", not watching for changes" }
        return text + (catalog.detail.map { " (\($0))" } ?? "")
    }

    private static func directory(_ directory: Admin.Directory) -> String {
        guard let peers = directory.peers, let accounts = directory.accounts,
            let files = directory.files
        else { return "\(directory.store) does not answer" }
        return "\(peers) of \(HumanFormat.plural(accounts, "account")) logged in, "
            + "\(HumanFormat.plural(files, "file")) listed, \(directory.store)"
    }

    private static func login(_ login: Admin.Login, now: Int) -> String {
        let time = login.since.map {
            " for \(HumanFormat.duration(milliseconds: max(now - $0, 0)))"
        }
        switch login.state {
        case "logged_in":
            return "\(login.account) at \(login.url ?? "")\(time ?? ""), "
                + "\(HumanFormat.plural(login.files ?? 0, "file")) told"
        case "away":
            return "\(login.account) in no directory\(time ?? ""): \(login.reason ?? "")"
        default: return "\(login.account), \(login.state)"
        }
    }

    private static func transfers(_ transfers: Admin.Transfers) -> String {
        "\(transfers.active) active, \(transfers.done) done, \(transfers.failed) failed; received "
            + HumanFormat.size(transfers.bytes_received) + ", sent "
            + HumanFormat.size(transfers.bytes_sent)
    }
}
