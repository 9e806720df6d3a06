/// What other peers' names contain, as they said it: copies of their filters.
///
/// Of whom nothing is known, or nothing lately, everything may be expected: a copy that was not
/// confirmed within `lease` counts as none, so that a message that was lost can hide a new file no
/// longer than that. Bounded: past `limit` what is out of date goes, and where nothing is, a new peer's
/// summary is not taken, and it is asked.
package struct SummaryStore: Sendable {
    /// What a peer says of its summary.
    package enum Message: Hashable, Sendable {
        case whole(boot: UInt64, version: UInt64, GramFilter)
        /// The bits that are new since an earlier version.
        case delta(boot: UInt64, since: UInt64, version: UInt64, bits: [Int])
        /// Nothing has changed.
        case still(boot: UInt64, version: UInt64)
    }

    /// Bytes of a word that nothing has changed, as ``SwimMessage/encodedBytes`` counts them: the sender's id,
    /// two numbers and the overhead of a call.
    static let stillBytes = 60 + PeerID.bytesCount + 2 + 2 * 6

    package enum Answer: Hashable, Sendable { case taken, wholeNeeded, refused }

    private struct Copy: Sendable {
        var boot: UInt64
        var version: UInt64
        var filter: GramFilter
        var confirmedAt: Instant
    }

    let limit: Int
    let lease: Duration
    private var copies: [PeerID: Copy] = [:]

    package init(limit: Int = 64, lease: Duration = .seconds(15)) {
        self.limit = limit
        self.lease = lease
    }

    package var count: Int { copies.count }

    package mutating func receive(
        _ message: Message, from peer: PeerID, now: Instant
    ) -> Answer {
        switch message {
        case .whole(let boot, let version, let filter):
            let known = copies[peer]
            if known == nil, copies.count >= limit {
                copies = copies.filter { now - $0.value.confirmedAt <= lease }
            }
            guard known != nil || copies.count < limit else { return .refused }
            // One that was overtaken; what is here is newer.
            if let known, (known.boot, known.version) > (boot, version) { return .taken }
            copies[peer] = Copy(
                boot: boot, version: version, filter: filter, confirmedAt: now)
            return .taken
        case .delta(let boot, let since, let version, let bits):
            guard var copy = copies[peer], copy.boot == boot else { return .wholeNeeded }
            if version <= copy.version { return .taken }
            guard since == copy.version, copy.filter.insert(bits: bits) else {
                copies[peer] = nil
                return .wholeNeeded
            }
            copy.version = version
            copy.confirmedAt = now
            copies[peer] = copy
            return .taken
        case .still(let boot, let version):
            guard copies[peer]?.boot == boot, copies[peer]?.version == version else {
                // It is ahead: what is here is not to be trusted.
                copies[peer] = nil
                return .wholeNeeded
            }
            copies[peer]?.confirmedAt = now
            return .taken
        }
    }

    package mutating func remove(_ peer: PeerID) { copies[peer] = nil }

    /// Whether the peer, in this run of its, may have a file that asks for these keys.
    func mayMatch(_ record: SwimRecord, keys: [GramFilter.Key], now: Instant) -> Bool {
        trusted(record, now: now)?.filter.mayContain(keys: keys) ?? true
    }

    /// The state of the peer's catalog, where it is known for sure.
    func catalogVersion(of record: SwimRecord, now: Instant) -> CatalogVersion? {
        trusted(record, now: now).map { CatalogVersion(boot: $0.boot, version: $0.version) }
    }

    private func trusted(_ record: SwimRecord, now: Instant) -> Copy? {
        guard let copy = copies[record.id], copy.boot == record.incarnation.boot,
            now - copy.confirmedAt <= lease
        else { return nil }
        return copy
    }
}
