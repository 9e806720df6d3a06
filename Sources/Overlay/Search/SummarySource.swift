/// Tells this peer's summary to those that are near it on the ring of ids, and keeps their copies fresh.
///
/// Pure: the shell sends each message, brings the answer back, and calls `.ticked` at ``nextWake``. Each
/// holder has the whole once, then what is new, and every few seconds the word that nothing is. What is
/// lost shows in the next message, and is mended by the whole.
package struct SummarySource: Sendable {
    package enum Event: Sendable {
        /// The catalog has changed: what it has got, if anything, and which state that made.
        case changed(names: [[UInt8]], digests: [[UInt8]], version: UInt64)
        /// The filter of all that there is, as ``isRebuildWanted`` asked for.
        case rebuilt(GramFilter, version: UInt64)
        case ticked
        case answered(SummaryStore.Answer, by: PeerID)
        /// A message did not arrive, or it cannot be known whether it did.
        case failed(PeerID)
    }

    package struct Message: Sendable {
        package let body: SummaryStore.Message
        package let to: SwimRecord
    }

    /// How it paces itself, and what bounds it.
    package struct Configuration: Hashable, Sendable {
        /// Holders on each side of this peer: half of ``FleetSearchConfiguration/partMax``.
        package var reach = 16
        /// A third of the lease that ``SummaryStore`` trusts a copy for, so that one lost word costs nothing.
        package var confirmInterval = Duration.seconds(5)
        /// The first change is told at once; those that follow within this time, together.
        package var gatherFor = Duration.milliseconds(200)
        /// After a message that did not arrive, so that one that is dead is not sent the whole again and again.
        package var retryAfter = Duration.seconds(1)
        /// Whole filters, of 64 KiB at most, sent each half second.
        package var wholesMax = 4
        /// Names that went before the filter is made anew.
        package var removalsMax = 1000

        package init() {}
    }

    private struct Holder: Sendable {
        /// Which state of the catalog it was told last; nil: it needs the whole.
        var told: UInt64?
        /// When it has to hear again; before that it hears only what is new.
        var confirmAt: Instant
    }

    package let own: PeerID
    package let boot: UInt64
    package let configuration: Configuration
    package private(set) var filter: GramFilter
    package private(set) var version: UInt64
    private var holders: [PeerID: Holder] = [:]
    /// What is new since `toldVersion`.
    private var newBits: [Int] = []
    private var toldVersion: UInt64
    private var nextTelling = Instant.zero
    private var nextWholes = Instant.zero
    private var nextLook = Instant.zero
    private var removals = 0

    /// - Parameter filter: Of all that the catalog has in the state `version`.
    package init(
        own: PeerID, boot: UInt64, filter: GramFilter, version: UInt64,
        configuration: Configuration = Configuration()
    ) {
        (self.own, self.boot, self.configuration) = (own, boot, configuration)
        (self.filter, self.version, toldVersion) = (filter, version, version)
    }

    package var holdersCount: Int { holders.count }

    /// What a peer sends while no catalog changes: the word to each holder, and its answers to theirs.
    package static func bytesPerSecondAtRest(peers: Int) -> Double {
        let configuration = Configuration()
        let holders = min(2 * configuration.reach, max(0, peers - 1))
        let answerBytes = 60 + 2
        let words = holders * (SummaryStore.stillBytes + answerBytes)
        return Double(words) / Double(configuration.confirmInterval.components.seconds)
    }

    /// Whether a filter made anew would say more: bits cannot be taken out of this one.
    package var isRebuildWanted: Bool {
        removals > configuration.removalsMax || filter.isOverfull
    }

    /// When `.ticked` is due.
    package var nextWake: Instant {
        var wake = nextLook
        if version != toldVersion { wake = min(wake, nextTelling) }
        for holder in holders.values where holder.told == nil {
            wake = min(wake, max(nextWholes, holder.confirmAt))
        }
        return wake
    }

    /// Takes one event and returns what is to be sent, in this order.
    ///
    /// - Parameter fleet: The members, as this peer knows them.
    package mutating func handle(
        _ event: Event, fleet: MemberTable, now: Instant
    ) -> [Message] {
        switch event {
        case .changed(let names, let digests, let version):
            guard version > self.version else { return [] }
            self.version = version
            if names.isEmpty, digests.isEmpty { removals += 1 }
            for name in names { newBits += filter.insert(name) }
            for digest in digests { newBits += filter.insert(digest: digest) }
        case .rebuilt(let filter, let version):
            guard version >= self.version else { return [] }
            (self.filter, self.version, toldVersion) = (filter, version, version)
            (newBits, removals) = ([], 0)
            for id in holders.keys { needWhole(id, at: now) }
        case .answered(.wholeNeeded, let peer):
            needWhole(peer, at: now)
        case .failed(let peer):
            needWhole(peer, at: now + configuration.retryAfter)
        case .answered(.refused, let peer):
            // It has no room; it asks us, and we ask again when others were told.
            holders[peer]?.confirmAt = now + configuration.confirmInterval
        case .answered(.taken, _), .ticked:
            break
        }
        return tell(fleet, now: now)
    }

    private mutating func needWhole(_ peer: PeerID, at instant: Instant) {
        holders[peer]?.told = nil
        holders[peer]?.confirmAt = instant
    }

    private mutating func tell(_ fleet: MemberTable, now: Instant) -> [Message] {
        if now >= nextLook { look(fleet, now: now) }
        var messages = version != toldVersion && now >= nextTelling ? tellNews(now: now) : []
        messages += confirm(now: now)
        if now >= nextWholes { messages += tellWhole(now: now) }
        return messages.compactMap { id, body in
            fleet[id].map { Message(body: body, to: $0) }
        }
    }

    /// Who the holders are: those that were, and are not near any more, let their copies grow old. So often, too,
    /// what is due is confirmed.
    private mutating func look(_ fleet: MemberTable, now: Instant) {
        nextLook = now + configuration.confirmInterval / 5
        let near = fleet.near(own, reach: configuration.reach)
        let known = holders
        holders = [:]
        for record in near {
            holders[record.id] = known[record.id] ?? Holder(told: nil, confirmAt: now)
        }
    }

    private typealias Telling = (PeerID, SummaryStore.Message)

    private mutating func tellNews(now: Instant) -> [Telling] {
        // Three bytes a bit, as varints.
        let isWholeShorter = newBits.count * 3 > filter.bytes
        let news: SummaryStore.Message =
            isWholeShorter
            ? .whole(boot: boot, version: version, filter)
            : .delta(boot: boot, since: toldVersion, version: version, bits: newBits)
        let (last, next) = (toldVersion, version)
        let confirmAt = now + configuration.confirmInterval
        (toldVersion, newBits) = (version, [])
        nextTelling = now + configuration.gatherFor
        return each { holder in
            guard holder.told == last else {
                // It needs the whole anyway.
                return nil
            }
            (holder.told, holder.confirmAt) = (next, confirmAt)
            return news
        }
    }

    private mutating func confirm(now: Instant) -> [Telling] {
        let (boot, confirmAt) = (boot, now + configuration.confirmInterval)
        return each { holder in
            guard let told = holder.told, now >= holder.confirmAt else { return nil }
            holder.confirmAt = confirmAt
            return .still(boot: boot, version: told)
        }
    }

    /// Those that wait longest come first, so that some that are dead do not keep the others from it.
    private mutating func tellWhole(now: Instant) -> [Telling] {
        let due = holders.filter { $0.value.told == nil && $0.value.confirmAt <= now }
            .sorted { ($0.value.confirmAt, $0.key) < ($1.value.confirmAt, $1.key) }
            .prefix(configuration.wholesMax)
        if !due.isEmpty { nextWholes = now + .milliseconds(500) }
        // What is new and not told yet is in it; the delta to come changes nothing there.
        let whole = SummaryStore.Message.whole(boot: boot, version: toldVersion, filter)
        return due.map { id, _ in
            holders[id] = Holder(told: toldVersion, confirmAt: now + configuration.confirmInterval)
            return (id, whole)
        }
    }

    /// What to tell each holder, in the order of their ids.
    private mutating func each(
        _ message: (inout Holder) -> SummaryStore.Message?
    ) -> [Telling] {
        holders.keys.sorted().compactMap { id in
            guard var holder = holders[id] else { return nil }
            let message = message(&holder)
            holders[id] = holder
            return message.map { (id, $0) }
        }
    }
}
