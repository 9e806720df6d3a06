/// Asks a search here and of neighbours, and passes on what comes back as it comes.
///
/// A flood over a sparse graph, bounded by fanout and TTL: each peer that meets a query answers it
/// once, asks some neighbours, and streams all answers to its asker. Summaries of the neighbours'
/// names come in where the neighbours are chosen (issue 7, attenuated Bloom filters).
///
/// A peer reached over a long way first ignores the same query with a higher TTL afterwards, so
/// uneven delays can leave out peers at the very edge of the TTL; that is the flood's nature.
package struct QueryRouter<Answer: Sendable>: Sendable {
    package enum Event: Sendable {
        /// A query began here (`asker` nil) or arrived from a neighbour. `neighbours`: whom it may
        /// go to, friends in the order of their standing. `alreadyAsked`: the asker's hint.
        case started(
            Query, neighbours: [Neighbour], asker: PeerURL?, alreadyAsked: Set<PeerURL>)
        case localAnswered(QueryID, Answer)
        case localFailed(QueryID, reason: String)
        /// An answer came over a branch; `from` is who gave it, near or far.
        case branchAnswered(QueryID, neighbour: PeerURL, from: PeerKey, Answer)
        /// A neighbour says that a peer behind it failed.
        case branchFailureReported(QueryID, neighbour: PeerURL, failed: PeerKey, reason: String)
        /// The neighbour has nothing more. `duplicate`: it had met the query before.
        case branchEnded(QueryID, neighbour: PeerURL, duplicate: Bool, truncated: Bool)
        /// The neighbour could not be reached, or was lost on the way.
        case branchFailed(QueryID, neighbour: PeerURL, reason: String)
        case ticked
        /// Who asked does not want it any more.
        case cancelled(QueryID)
    }

    package enum Effect: Sendable {
        /// Ask our own catalog; answer with `localAnswered` or `localFailed`.
        case searchHere(Query)
        /// Send the query over gRPC; report what comes as `branch...` events.
        case ask(Neighbour, Query, alreadyAsked: [PeerURL])
        /// `GET /files` there and filter: one `branchAnswered`, then `branchEnded`.
        case listFiles(Neighbour, Query)
        /// Pass a record on to whoever asked.
        case emit(QueryID, Record)
        /// The last effect of a query; it is forgotten.
        case finished(QueryID, Coverage)
        /// The start that was just handled opens nothing. An open query of the same id goes on.
        case refused(QueryID, Refusal)
        /// End the branch; nothing that it still says is of interest.
        case cancel(QueryID, neighbour: PeerURL)
        /// For the membership.
        case unreachable(PeerURL, reason: String)
        /// Send `ticked` then, in addition to earlier requests.
        case scheduleTick(at: Instant)
    }

    package enum Record: Sendable {
        /// Once for each peer.
        case answer(from: PeerKey, Answer)
        /// Once for each peer. An answer that comes afterwards by another way replaces it.
        case failure(PeerKey, reason: String)
    }

    package enum Refusal: Hashable, Sendable {
        /// Met before: the asker gets nothing and counts a duplicate.
        case duplicate
        /// Too many queries are open: the asker's answer is truncated.
        case busy
    }

    /// A query between its start and its end.
    struct Open: Sendable {
        let query: Query
        var isLocalPending = true
        var branches: [PeerURL: Branch] = [:]
        var coverage = Coverage()
        /// Both kinds of names of those that answered, and of those that failed.
        var answered: NameSet = NameSet()
        var failed: NameSet = NameSet()
        var failures: [PeerKey] = []
    }

    struct Branch: Sendable {
        let neighbour: Neighbour
        /// Whether anything came over it: then the neighbour itself lives.
        var hasSpoken = false
    }

    package let own: PeerKey
    package var configuration: QueryRouterConfiguration
    var random: SplitMix64
    var seen: SeenQueries
    var open: [QueryID: Open] = [:]

    /// - Parameters:
    ///   - own: This peer, so that its own answers coming back are known.
    ///   - seed: Of the choice of neighbours.
    package init(own: PeerKey, configuration: QueryRouterConfiguration, seed: UInt64) {
        self.own = own
        self.configuration = configuration
        random = SplitMix64(seed: seed)
        seen = SeenQueries(limit: configuration.seenMax, lifetime: configuration.seenLifetime)
    }

    /// How many queries are open, for the metrics.
    package var openCount: Int { open.count }

    /// Takes one event and returns what is to be done, in this order. Whatever is late, for a
    /// query or branch that ended, changes nothing.
    package mutating func handle(_ event: Event, now: Instant) -> [Effect] {
        var effects: [Effect] = []
        switch event {
        case .started(let query, let neighbours, let asker, let alreadyAsked):
            start(
                query, neighbours: neighbours, asker: asker, alreadyAsked: alreadyAsked, now: now,
                &effects)
        case .localAnswered(let id, let answer):
            guard open[id]?.isLocalPending == true else { return [] }
            open[id]?.isLocalPending = false
            take(answer, from: own, id, &effects)
            finishIfDone(id, &effects)
        case .localFailed(let id, let reason):
            guard open[id]?.isLocalPending == true else { return [] }
            open[id]?.isLocalPending = false
            fail(own, reason: reason, id, &effects)
            finishIfDone(id, &effects)
        case .branchAnswered(let id, let neighbour, let peer, let answer):
            guard hear(id, neighbour) else { return [] }
            guard !isOwn(peer) else {
                open[id]?.coverage.duplicates += 1
                return []
            }
            take(answer, from: peer, id, &effects)
        case .branchFailureReported(let id, let neighbour, let peer, let reason):
            guard hear(id, neighbour), !isOwn(peer) else { return [] }
            fail(peer, reason: reason, id, &effects)
        case .branchEnded(let id, let neighbour, let duplicate, let truncated):
            guard open[id]?.branches.removeValue(forKey: neighbour) != nil else { return [] }
            if duplicate { open[id]?.coverage.duplicates += 1 }
            if truncated { open[id]?.coverage.truncated = true }
            finishIfDone(id, &effects)
        case .branchFailed(let id, let neighbour, let reason):
            guard let branch = open[id]?.branches.removeValue(forKey: neighbour)
            else { return [] }
            lose(branch, reason: reason, id, &effects)
            finishIfDone(id, &effects)
        case .ticked:
            expire(now: now, &effects)
        case .cancelled(let id):
            cancelBranches(id, &effects)
            open[id] = nil
        }
        return effects
    }
}

extension QueryRouter.Effect: Equatable where Answer: Equatable {}
extension QueryRouter.Record: Equatable where Answer: Equatable {}
