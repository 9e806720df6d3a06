import AdminWire
import ArgumentParser

/// `p2padm transfers [--cancel ID]`
struct TransfersCommand: AdminCommand {
    static let configuration = CommandConfiguration(
        commandName: "transfers",
        abstract: "The files that the daemon is fetching, whoever asked for them.",
        discussion: """
            What a cancelled one has received stays: the next get of the file continues it.
            """)

    @Option(
        help: ArgumentHelp(
            "End the transfer with this number instead of listing them.", valueName: "id"))
    var cancel: Int?

    @OptionGroup var common: CommonOptions

    var action: String { "transfers" + (cancel.map { " --cancel \($0)" } ?? "") }

    func perform(_ session: AdminSession, _ console: Console) throws(CommandFailure) {
        if let cancel {
            let _: Admin.Nothing = try session.call(
                "CancelTransfer", Admin.TransferID(id: cancel), action: action)
            return
        }
        let list: Admin.RunningTransfers = try session.call("ListTransfers", action: action)
        if common.json {
            for transfer in list.transfers { try printJSON("transfer", transfer, console) }
            return
        }
        guard !list.transfers.isEmpty else { return try console.output("no transfers\n") }
        try console.output(TransferTable.rendered(list.transfers, style: console.style))
    }
}

/// The table of `p2padm transfers`.
enum TransferTable {
    static func rendered(_ transfers: [Admin.RunningTransfer], style: Style) -> String {
        var table = Table([
            .init(title: "ID", isRight: true), .init(title: "STATE"),
            .init(title: "DONE", isRight: true), .init(title: "SIZE", isRight: true),
            .init(title: "SPEED", isRight: true), .init(title: "FROM"), .init(title: "PATH"),
        ])
        for transfer in transfers {
            let progress = transfer.progress
            table.append([
                .init("\(transfer.id)"), .init(progress.state), .init(done(progress)),
                .init(progress.size.map(HumanFormat.size) ?? "-"), .init(speed(progress)),
                .init(progress.source ?? "-"), .init(progress.path),
            ])
        }
        return table.rendered(style: style)
    }

    private static func done(_ progress: Admin.Progress) -> String {
        guard let size = progress.size, size > 0 else { return "-" }
        return "\(progress.received * 100 / size) %"
    }

    /// On average since the beginning, of what was not there before.
    private static func speed(_ progress: Admin.Progress) -> String {
        let bytes = progress.received - progress.resumed
        guard progress.elapsed_ms > 0, bytes > 0 else { return "-" }
        return HumanFormat.size(bytes * 1000 / progress.elapsed_ms) + "/s"
    }
}
