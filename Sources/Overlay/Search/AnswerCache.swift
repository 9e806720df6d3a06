/// The state of a peer's catalog: each change of it has a greater one. `boot` as in ``Incarnation``.
package struct CatalogVersion: Hashable, Comparable, Sendable {
    package var boot: UInt64
    package var version: UInt64

    package init(boot: UInt64, version: UInt64) {
        (self.boot, self.version) = (boot, version)
    }

    package static func < (left: CatalogVersion, right: CatalogVersion) -> Bool {
        (left.boot, left.version) < (right.boot, right.version)
    }
}

/// What single peers have answered lately, each answer good for the one state of their catalog that it was
/// given in: who wants to use it has to know that state, from the peer's summary.
///
/// Bounded by `limit` answers and `filesMax` files in them: the oldest gives way.
struct AnswerCache<Answer: Sendable>: Sendable {
    struct Key: Hashable, Sendable {
        var peer: PeerID
        var filter: FileFilter
    }

    struct Entry: Sendable {
        var version: CatalogVersion
        /// nil: it has no such file.
        var answer: Answer?
        var files: Int
        fileprivate var order: UInt64
    }

    let limit: Int
    let filesMax: Int
    private var entries: [Key: Entry] = [:]
    /// In order of arrival, from `first`; one whose entry has another order was replaced.
    private var arrivals: [(order: UInt64, key: Key)] = []
    private var first = 0
    private var stored: UInt64 = 0
    private(set) var files = 0

    init(limit: Int, filesMax: Int) {
        (self.limit, self.filesMax) = (limit, filesMax)
    }

    var count: Int { entries.count }

    /// The answer of this very state of the catalog, if it is here.
    func entry(_ key: Key, version: CatalogVersion) -> Entry? {
        guard let entry = entries[key], entry.version == version else { return nil }
        return entry
    }

    /// An older state's answer replaces no newer one's; one of more than `filesMax` files is not kept.
    mutating func store(_ key: Key, version: CatalogVersion, answer: Answer?, files: Int) {
        guard limit > 0, files <= filesMax, entries[key].map({ $0.version <= version }) ?? true
        else { return }
        stored += 1
        self.files += files - (entries[key]?.files ?? 0)
        entries[key] = Entry(version: version, answer: answer, files: files, order: stored)
        arrivals.append((stored, key))
        while entries.count > limit || self.files > filesMax { removeOldest() }
        compact()
    }

    private mutating func removeOldest() {
        let (order, key) = arrivals[first]
        first += 1
        guard let entry = entries[key], entry.order == order else { return }
        files -= entry.files
        entries[key] = nil
    }

    /// Before the list is four times as long as what it is for.
    private mutating func compact() {
        guard arrivals.count > 4 * limit else { return }
        arrivals = arrivals[first...].filter { entries[$0.key]?.order == $0.order }
        first = 0
    }
}
