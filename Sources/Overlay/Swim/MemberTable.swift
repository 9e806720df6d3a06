/// The members, in order of their ids, with a digest for comparison.
///
/// A base that is never written to, so that copies share it (a simulated fleet has one), and what
/// has changed since. Bounded by whoever adds; ``compact(keeping:)`` folds the changes in.
package struct MemberTable: Sendable {
    /// Members fall into buckets by the first byte of their ids.
    package static let buckets = 256

    private var base: [SwimRecord]
    private var changed: [Int: SwimRecord] = [:]
    /// Those that are not in the base, in order.
    private var added: [SwimRecord] = []
    /// Exclusive or of the living members' hashes. Suspicion does not count, it passes.
    package private(set) var digest: [UInt64]
    /// How many are alive or suspect.
    package private(set) var liveCount: Int
    /// How many are not simply alive.
    private(set) var troubledCount: Int

    /// - Parameter records: One for an id at most.
    package init(_ records: [SwimRecord] = []) {
        base = records.sorted { $0.id < $1.id }
        digest = Array(repeating: 0, count: Self.buckets)
        liveCount = base.count { $0.state.isLive }
        troubledCount = base.count { $0.state != .alive }
        for record in base { toggle(record) }
    }

    package var count: Int { base.count + added.count }

    /// By place: stable until the next insertion or ``compact(keeping:)``; not in order of ids.
    package func record(at place: Int) -> SwimRecord {
        guard place < base.count else { return added[place - base.count] }
        return changed[place] ?? base[place]
    }

    package subscript(id: PeerID) -> SwimRecord? {
        let place = Self.place(of: id, in: base)
        if place < base.count, base[place].id == id { return changed[place] ?? base[place] }
        let late = Self.place(of: id, in: added)
        return late < added.count && added[late].id == id ? added[late] : nil
    }

    /// Puts the record in the place of its member's former one.
    mutating func update(_ record: SwimRecord) {
        if let former = self[record.id] {
            toggle(former)
            liveCount -= former.state.isLive ? 1 : 0
            troubledCount -= former.state == .alive ? 0 : 1
        }
        toggle(record)
        liveCount += record.state.isLive ? 1 : 0
        troubledCount += record.state == .alive ? 0 : 1
        let place = Self.place(of: record.id, in: base)
        if place < base.count, base[place].id == record.id {
            changed[place] = record
            return
        }
        let late = Self.place(of: record.id, in: added)
        if late < added.count, added[late].id == record.id {
            added[late] = record
        } else {
            added.insert(record, at: late)
        }
    }

    /// Makes a new base of the members that `isKept`.
    mutating func compact(keeping isKept: (SwimRecord) -> Bool) {
        self = MemberTable(all.filter(isKept))
    }

    /// Every member, in order of ids.
    package var all: [SwimRecord] { records(from: nil, through: nil) }

    /// The members from `low` through `high`, in order; nil is the end of all.
    package func records(from low: PeerID?, through high: PeerID?) -> [SwimRecord] {
        var (place, late) = (
            low.map { Self.place(of: $0, in: base) } ?? 0,
            low.map { Self.place(of: $0, in: added) } ?? 0
        )
        var found: [SwimRecord] = []
        while place < base.count || late < added.count {
            let takesBase =
                late == added.count || (place < base.count && base[place].id < added[late].id)
            let record = takesBase ? changed[place] ?? base[place] : added[late]
            if let high, record.id > high { break }
            found.append(record)
            if takesBase { place += 1 } else { late += 1 }
        }
        return found
    }

    /// The members of one bucket.
    func records(inBucket bucket: Int) -> [SwimRecord] {
        let first = UInt64(bucket) << 56
        return records(
            from: PeerID(first, 0, 0, 0),
            through: PeerID(first | (UInt64.max >> 8), .max, .max, .max))
    }

    /// The next living member after `id` on the ring of ids, other than `id`.
    func successor(of id: PeerID, where isWanted: (SwimRecord) -> Bool) -> SwimRecord? {
        next(to: id, isForward: true, where: isWanted)
    }

    /// The living members that are nearest to `id` on the ring of ids, `reach` on each side at most.
    package func near(_ id: PeerID, reach: Int) -> [SwimRecord] {
        var found: [SwimRecord] = []
        for isForward in [true, false] {
            var end = id
            for _ in 0..<reach {
                guard
                    let next = next(to: end, isForward: isForward, where: \.state.isLive),
                    next.id != id, !found.contains(where: { $0.id == next.id })
                else { break }
                found.append(next)
                end = next.id
            }
        }
        return found
    }

    private func next(
        to id: PeerID, isForward: Bool, where isWanted: (SwimRecord) -> Bool
    ) -> SwimRecord? {
        // Forward from the place of `id`, or back from the one before it.
        func start(_ records: [SwimRecord]) -> Int {
            Self.place(of: id, in: records) + (isForward ? 0 : records.count - 1)
        }
        let step = isForward ? 1 : -1
        let early = Self.first(base.count, from: start(base), by: step) { index in
            let record = changed[index] ?? base[index]
            return record.id != id && isWanted(record) ? record : nil
        }
        let other = Self.first(added.count, from: start(added), by: step) { index in
            added[index].id != id && isWanted(added[index]) ? added[index] : nil
        }
        guard let early, let other else { return early ?? other }
        // The one that comes first: those past the wrap come last.
        let earlyWraps = (early.id < id) == isForward
        let otherWraps = (other.id < id) == isForward
        if earlyWraps != otherWraps { return earlyWraps ? other : early }
        return (early.id < other.id) == isForward ? early : other
    }

    /// The first that `test` takes of `count` places, going round from `start`, by 1 or -1.
    private static func first(
        _ count: Int, from start: Int, by direction: Int, _ test: (Int) -> SwimRecord?
    ) -> SwimRecord? {
        for step in 0..<count {
            let place = (start + direction * step) % count
            if let found = test(place < 0 ? place + count : place) { return found }
        }
        return nil
    }

    /// Where `id` is in `records`, or would be.
    ///
    /// Ids are hashes, so it is near where their even spread says: the search begins there, in a window that grows, and
    /// stays within few lines of the cache.
    static func place(of id: PeerID, in records: [SwimRecord]) -> Int {
        let count = records.count
        let guess = Int(id.first.multipliedFullWidth(by: UInt64(count)).high)
        var reach = 16
        var (low, high) = (max(0, guess - reach), min(count, guess + reach))
        while low > 0, !(records[low - 1].id < id) {
            reach *= 4
            low = max(0, guess - reach)
        }
        while high < count, records[high].id < id {
            reach *= 4
            high = min(count, guess + reach)
        }
        while low < high {
            let middle = (low + high) / 2
            if records[middle].id < id { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// Puts a living member into its bucket's digest, or takes it out again.
    private mutating func toggle(_ record: SwimRecord) {
        guard record.state.isLive else { return }
        let boot: UInt64 = record.incarnation.boot &* 0xD6E8_FEB8_6659_FD93
        let refutations = UInt64(record.incarnation.refutations) << 40
        var mixer = SplitMix64(seed: record.id.second ^ boot ^ refutations)
        digest[Int(record.id.first >> 56)] ^= mixer.next() ^ record.id.third
    }
}
