/// The entry that was looked at last, by its key, which is the order of all pages of files.
///
/// As a cursor it is `NAME-ACCOUNT`.
package struct EntryPosition: Comparable, Sendable {
    package var name: Int64
    package var account: Int64

    package static let start = EntryPosition(name: 0, account: 0)

    package init(name: Int64, account: Int64) {
        self.name = name
        self.account = account
    }

    package static func < (left: EntryPosition, right: EntryPosition) -> Bool {
        (left.name, left.account) < (right.name, right.account)
    }

    /// Where a page goes on.
    ///
    /// - Throws: `badCursor` for what ``cursor`` can not have been.
    package init(after cursor: PageCursor?) throws(StoreError) {
        guard let cursor else {
            self = .start
            return
        }
        let parts = cursor.string.split(
            separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        guard cursor.string.utf8.count <= 40, parts.count == 2, let name = Int64(parts[0]),
            let account = Int64(parts[1]), name >= 0, account >= 0
        else { throw .badCursor }
        self.init(name: name, account: account)
    }

    package var cursor: PageCursor { PageCursor("\(name)-\(account)") }
}
