/// A peer's whole list. Each file once: of several entries with one name the first counts.
package struct IndexList: Equatable, Sendable {
    /// In the order in which they were sent.
    package let entries: [IndexEntry]
    package let version: IndexVersion
    /// Of the bytes that carried the list, where there were any: equal bytes are an equal list
    /// without reading them.
    package var received: SHA256Digest?

    package init(_ entries: [IndexEntry], received: SHA256Digest? = nil) {
        var names = Set<ExactString>(minimumCapacity: entries.count)
        self.entries = entries.filter { names.insert(ExactString($0.filename)).inserted }
        version = IndexVersion(of: self.entries)
        self.received = received
    }
}

/// How a peer's list changed. Applies to one version of it, and to no other.
package struct IndexDelta: Equatable, Sendable {
    package let base: IndexVersion
    /// What the peer has come to; nil when it did not say. Proves that both sides agree.
    package let result: IndexVersion?
    /// New and changed files, each name once.
    package let changed: [IndexEntry]
    /// Names that are gone; none of them in `changed`. One that was not listed is no fault.
    package let removed: [String]

    package init(
        base: IndexVersion, result: IndexVersion? = nil, changed: [IndexEntry], removed: [String]
    ) {
        self.base = base
        self.result = result
        self.changed = changed
        self.removed = removed
    }
}

/// What a store holds of a peer's index.
package struct IndexState: Equatable, Sendable {
    package var version: IndexVersion
    /// As in ``IndexList``, of the list that was stored last; nil after a delta.
    package var received: SHA256Digest?
    package var files: Int

    package init(version: IndexVersion = .empty, received: SHA256Digest? = nil, files: Int = 0) {
        self.version = version
        self.received = received
        self.files = files
    }
}
