/// Searches the whole fleet by parts: who asks divides the ring of ids into arcs and gives each to a member in
/// it, which divides on, until an arc is small enough for one that knows its members' summaries. That
/// one asks those that may match, and nobody else.
///
/// Every member is in one arc alone, so nobody is asked twice, and everybody is counted: reached,
/// pruned, failed. Arcs are ids, not lists: peers whose views of the fleet differ divide differently,
/// and still cover all. Sources: broadcast without duplicates over a structured ring, El-Ansary et al.,
/// IPTPS 2003; summaries of a group kept by each of it, Kelips, Gupta et al., IPTPS 2003; why not by the sparse
/// graph: docs/decisions/0048.
package struct FleetSearch<Answer: Sendable>: Sendable {
    /// The shell's name for one question: ours, or one that somebody asked.
    package typealias Job = UInt64

    package struct Hit: Sendable {
        package var from: PeerID
        package var answer: Answer
        /// How many are in the answer.
        package var files: Int

        package init(from: PeerID, answer: Answer, files: Int) {
            self.from = from
            self.answer = answer
            self.files = files
        }
    }

    /// One question of a job to another peer.
    package struct Branch: Hashable, Comparable, Sendable {
        package var job: Job
        package var number: Int

        package static func < (left: Branch, right: Branch) -> Bool {
            (left.job, left.number) < (right.job, right.number)
        }
    }

    package enum Event: Sendable {
        /// A search about `arc`, our own or somebody's.
        case asked(Job, FleetQuery, Arc)
        /// nil: no file matches here. With the state of the catalog, unless that could not be asked or
        /// said only a part.
        case localAnswered(Job, Answer?, files: Int, catalog: CatalogVersion?)
        case branchAnswered(Branch, [Hit])
        /// The last of a branch.
        case branchEnded(Branch, [Hit], FleetCoverage)
        case branchFailed(Branch)
        case ticked
        /// Who asked does not want it any more.
        case cancelled(Job)
    }

    package enum Effect: Sendable {
        case searchHere(Job, FleetQuery)
        case ask(Branch, SwimRecord, FleetQuery, Arc)
        case emit(Job, [Hit])
        /// The last effect of a job.
        case finished(Job, [Hit], FleetCoverage)
        /// Too many are open.
        case refused(Job)
        case cancel(Branch)
        /// For the membership.
        case unreachable(PeerID)
    }

    /// Members that one branch, or its successors, answer for.
    struct Part: Sendable {
        let members: [SwimRecord]
        let budget: Int
        var tried: Set<PeerID> = []
        /// Those that are still to answer, with the time at which another one is tried.
        var open: [Int: Instant] = [:]
        var coverage: FleetCoverage?
        var failed = 0
        var arc: Arc { Arc(low: members[0].id, high: members[members.count - 1].id) }
    }

    struct Open: Sendable {
        var query: FleetQuery
        var isLocalPending = false
        var parts: [Part] = []
        /// Which part a branch is for.
        var partOf: [Int: Int] = [:]
        var coverage = FleetCoverage()
        var answered: Set<PeerID> = []
        var files = 0
        /// Nobody is asked any more.
        var isStopped = false
        var waiting: [Hit] = []
        /// When those go, at the latest.
        var gatheredAt: Instant?
    }

    package let own: PeerID
    package let configuration: FleetSearchConfiguration
    var random: SplitMix64
    var seen: SeenQueries
    var cache: AnswerCache<Answer>
    var open: [Job: Open] = [:]

    package init(own: PeerID, configuration: FleetSearchConfiguration, seed: UInt64) {
        self.own = own
        self.configuration = configuration
        random = SplitMix64(seed: seed)
        seen = SeenQueries(limit: configuration.seenMax, lifetime: configuration.seenLifetime)
        cache = AnswerCache(
            limit: configuration.cachedMax, filesMax: configuration.cachedFilesMax)
    }

    package var openCount: Int { open.count }

    /// Takes one event and returns what is to be done, in this order.
    ///
    /// - Parameters:
    ///   - fleet: The members, as this peer knows them.
    ///   - summaries: What is known of their names.
    package mutating func handle(
        _ event: Event, fleet: MemberTable, summaries: SummaryStore, now: Instant
    ) -> [Effect] {
        var effects: [Effect] = []
        switch event {
        case .asked(let job, let query, let arc):
            start(job, query, arc, fleet: fleet, summaries: summaries, now: now, &effects)
        case .localAnswered(let job, let answer, let files, let catalog):
            guard open[job]?.isLocalPending == true else { break }
            open[job]?.isLocalPending = false
            open[job]?.coverage.reached = 1
            open[job]?.coverage.catalog = catalog
            let hits = answer.map { [Hit(from: own, answer: $0, files: files)] }
            take(hits ?? [], job, now: now, &effects)
            finishIfDone(job, &effects)
        case .branchAnswered(let branch, let hits):
            guard let part = hear(branch) else { break }
            // It lives and works: nobody else is needed.
            open[branch.job]?.parts[part].open[branch.number] = .distant
            take(hits, branch.job, now: now, &effects)
            finishIfDone(branch.job, &effects)
        case .branchEnded(let branch, let hits, let coverage):
            guard let part = hear(branch) else { break }
            keep(hits, coverage, of: part, branch.job)
            // First, so that the last hits of all go with the end.
            end(branch, of: part, coverage)
            take(hits, branch.job, now: now, &effects)
            finishIfDone(branch.job, &effects)
        case .branchFailed(let branch):
            guard let part = hear(branch) else { break }
            fail(branch, of: part, now: now, &effects)
            finishIfDone(branch.job, &effects)
        case .ticked:
            for job in open.keys.sorted() { tick(job, now: now, &effects) }
        case .cancelled(let job):
            cancelBranches(job, &effects)
            open[job] = nil
        }
        return effects
    }

    /// When `.ticked` is due; nil while nothing waits.
    package var nextWake: Instant? {
        open.values.map { job in
            let hedges = job.parts.flatMap(\.open.values)
            return min(
                job.query.deadline, min(job.gatheredAt ?? .distant, hedges.min() ?? .distant))
        }.min()
    }

    private func hear(_ branch: Branch) -> Int? {
        guard let part = open[branch.job]?.partOf[branch.number],
            open[branch.job]?.parts[part].open[branch.number] != nil
        else { return nil }
        return part
    }
}

extension Instant {
    /// Later than anything that is waited for.
    static let distant = Instant(sinceStart: .seconds(1 << 40))
}
