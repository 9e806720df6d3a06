/// One search, as it goes from peer to peer.
package struct FleetQuery: Hashable, Sendable {
    package var id: QueryID
    /// What is looked for.
    package var filter: FileFilter
    /// After so many files the search stops everywhere, cut short; nil: all are wanted.
    package var limit: Int?
    /// Peers that each hop asks at most.
    package var fanout: Int
    /// Hops from here: 0 asks nobody.
    package var ttl: Int
    /// Questions that may be sent for it from here on, by everybody together.
    package var budget: Int
    /// The whole answer is there by then, or it says what is missing.
    package var deadline: Instant
    package var origin: PeerID

    package init(
        id: QueryID, filter: FileFilter, limit: Int? = nil, fanout: Int, ttl: Int, budget: Int,
        deadline: Instant, origin: PeerID
    ) {
        self.id = id
        self.filter = filter
        self.limit = limit
        self.fanout = fanout
        self.ttl = ttl
        self.budget = budget
        self.deadline = deadline
        self.origin = origin
    }
}

/// A part of the ring of ids, both ends included: whom one question is about.
package struct Arc: Hashable, Sendable {
    package var low: PeerID
    package var high: PeerID

    package init(low: PeerID, high: PeerID) {
        self.low = low
        self.high = high
    }

    package static let everybody = Arc(
        low: PeerID(0, 0, 0, 0), high: PeerID(.max, .max, .max, .max))
}

/// How much of an arc an answer covers. What is known and neither reached, cached, pruned nor failed
/// was not asked: then `truncated` is set.
package struct FleetCoverage: Hashable, Sendable {
    /// Peers that searched their catalogs.
    package var reached = 0
    /// Live members of the arc.
    package var known = 0
    /// Members that were not asked, since their answer was here: the same question, and their
    /// catalogs have not changed since.
    package var cached = 0
    /// Members that were not asked, since they have nothing that could match.
    package var pruned = 0
    /// Members that did not answer.
    package var failed = 0
    /// Questions to peers that had searched already.
    package var duplicates = 0
    /// Questions that were sent.
    package var asked = 0
    package var truncated = false
    /// The state of the catalog of who says this, when it searched; no sum has it.
    package var catalog: CatalogVersion?

    package init() {}

    /// Adds another part's.
    mutating func add(_ other: FleetCoverage) {
        reached += other.reached
        known += other.known
        cached += other.cached
        pruned += other.pruned
        failed += other.failed
        duplicates += other.duplicates
        asked += other.asked
        truncated = truncated || other.truncated
    }
}

/// What bounds ``FleetSearch``.
package struct FleetSearchConfiguration: Hashable, Sendable {
    /// Peers asked by one hop, whatever a query wants.
    package var fanoutMax = 32
    package var ttlMax = 16
    /// A part of so many members is one peer's: their summaries are at those that are near on the ring.
    package var partMax = 33
    /// Silent for so long, a part is given to another of its members as well.
    package var hedgeAfter = Duration.seconds(1)
    /// Members that are tried for one part.
    package var attemptsMax = 3
    /// After hits were passed on, the next wait so long for company. The first never waits.
    package var gatherFor = Duration.milliseconds(10)
    /// Less time for each hop, so that it can say what is missing.
    package var margin = Duration.milliseconds(200)
    package var durationMax = Duration.seconds(60)
    /// Open at once; one more is refused as busy.
    package var openMax = 256
    /// Answers for one question; past it the rest is truncated.
    package var answersMax = 20_000
    /// Answers of single peers kept, and files in all of them: about 100 bytes a file.
    package var cachedMax = 1024
    package var cachedFilesMax = 20_000
    package var seenMax = 16_384
    package var seenLifetime = Duration.seconds(600)
    var plantedBug: SwimConfiguration.PlantedBug?

    package init() {}

    /// For tests of the simulator.
    package mutating func plant(_ bug: SwimConfiguration.PlantedBug?) { plantedBug = bug }
}
