extension MenuPhrases {
    /// A line for a transfer that goes on.
    func underWay(_ transfer: BackgroundTransfers.Transfer) -> String {
        let percent = transfer.percent.map { ": \($0) %" } ?? ""
        let text: MenuText =
            switch transfer.direction {
            case .download: .downloadUnderWay
            case .upload: .uploadUnderWay
            }
        return self(text, transfer.name, transfer.peer, percent)
    }

    /// The line that announces a transfer's end.
    func ended(_ ended: BackgroundTransfers.Ended) -> String {
        let (name, peer) = (ended.transfer.name, ended.transfer.peer)
        switch (ended.transfer.direction, ended.result) {
        case (.download, .success(let success)):
            return self(
                .downloaded, name, peer, HumanFormat.size(success.bytes),
                HumanFormat.duration(milliseconds: success.milliseconds), success.remark)
        case (.upload, .success(let success)):
            return self(
                .uploaded, name, peer, HumanFormat.size(success.bytes),
                HumanFormat.duration(milliseconds: success.milliseconds), success.remark)
        case (.download, .failure(let failure)) where failure.status == .cannotCreate:
            return self(.alreadyHere, name)
        case (.download, .failure(let failure)):
            return self(.downloadFailed, name, peer, verbatim: Self.reason(of: failure))
        case (.upload, .failure(let failure)):
            return self(.uploadFailed, name, peer, verbatim: Self.reason(of: failure))
        }
    }

    /// A line for what the daemon could not be asked for.
    func failure(_ failure: CommandFailure, socket: String) -> String {
        switch failure.status {
        case .unavailable: self(.noDaemon, socket)
        case .noPermission: self(.noPermission)
        default: self(.failed, verbatim: Self.reason(of: failure))
        }
    }

    /// Its message begins with what was asked for on a command line, and nothing was.
    private static func reason(of failure: CommandFailure) -> String {
        failure.message.hasPrefix(": ") ? String(failure.message.dropFirst(2)) : failure.message
    }
}
