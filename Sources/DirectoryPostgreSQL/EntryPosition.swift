/// The entry that was looked at last, by its key: `NAME-ACCOUNT`.
struct EntryPosition: Equatable, Sendable {
    var name: Int64
    var account: Int64

    static let start = EntryPosition(name: 0, account: 0)

    init(name: Int64, account: Int64) {
        self.name = name
        self.account = account
    }

    /// nil for what ``string`` can not have been.
    init?(_ string: String) {
        let parts = string.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        guard string.utf8.count <= 40, parts.count == 2, let name = Int64(parts[0]),
            let account = Int64(parts[1]), name >= 0, account >= 0
        else { return nil }
        self.init(name: name, account: account)
    }

    var string: String { "\(name)-\(account)" }
}
