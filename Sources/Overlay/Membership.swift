/// Knows the peers: which there are, which of them live, and that they know us.
///
/// Every member is checked once an interval and registered with once each time it comes alive, so
/// that links are mutual and lists spread. Friends are the way in and are never forgotten. A URL
/// becomes a lasting member only when a peer has answered there: whoever names URLs to us cannot
/// fill the list with names that nobody answers to.
///
/// One id is one member: a second URL of a known living peer is dropped (a friend's URL wins; two
/// friends may be one peer, then both stay and a search drops its second answer). A friend's name that leads
/// to many peers is no member itself (``Rendezvous``).
///
/// A member that speaks `p2p.v1` is introduced to ``Swim``, and not checked any more as long as that
/// holds it for living (`Membership+Gossip.swift`).
package struct Membership: Sendable {
    /// The caller's name for whoever waits for an answer.
    package typealias Token = UInt64

    package enum Event: Hashable, Sendable {
        /// The process has started, or has read its configuration again (then the friends are
        /// replaced). Friends in the order of their standing: primary, secondary.
        case started(friends: [PeerURL], restored: [RestoredMember])
        case ticked
        /// Somebody called `POST /register` with this URL.
        case registrationReceived(url: PeerURL, token: Token)
        /// Somebody called `POST /bootstrap`.
        case bootstrapRequested(token: Token)
        case checkSucceeded(url: PeerURL, info: PeerInfo, roundTrip: Duration)
        case checkFailed(url: PeerURL, reason: String)
        case registered(url: PeerURL, theirPeers: [PeerURL], info: PeerInfo?)
        case registrationFailed(url: PeerURL, reason: String)
        /// A search could not reach it.
        case reportedUnreachable(url: PeerURL, reason: String)
        /// It said goodbye.
        case leaveReceived(url: PeerURL)
        case peersLearned([PeerURL])
        /// The gossip knows a living member, who says this of itself; the id is among it.
        case gossipFound(url: PeerURL, info: PeerInfo)
        /// What the gossip believes of a member.
        case gossipChanged(id: String, state: MemberState)
        /// What a message of the gossip said, or how long one took; nil: nothing of that.
        case gossipHeard(id: String, roundTrip: Duration?, files: Int64?, bytes: Int64?)
        /// The addresses of a friend's name, as URLs; none where it has none or could not be asked.
        case friendResolved(friend: PeerURL, addresses: [PeerURL])
        /// Who answered there: its own URL and id.
        case visitSucceeded(address: PeerURL, friend: PeerURL, peer: PeerURL?, id: String?)
        case visitFailed(address: PeerURL, friend: PeerURL)
        case shutdown
    }

    package enum Effect: Hashable, Sendable {
        /// `GET /health` there; answer with `checkSucceeded` or `checkFailed`.
        case check(PeerURL)
        /// `POST /register` there; answer with `registered` or `registrationFailed`.
        case register(with: PeerURL)
        /// Look its name up; answer with `friendResolved`.
        case resolve(PeerURL)
        /// `GET /health` there; answer with `visitSucceeded` or `visitFailed`.
        case visit(PeerURL, of: PeerURL)
        /// It lives and is not watched by the gossip yet.
        case introduce(id: String, grpc: String)
        /// A search could not reach it, and the gossip watches it.
        case doubt(id: String)
        /// `refusal` nil: registered.
        case answerRegistration(token: Token, refusal: String?, healthy: [PeerURL])
        case answerBootstrap(
            token: Token, registered: [PeerURL], failed: [PeerURL], known: [PeerURL])
        /// For the log and the metrics; `member` is as it is now.
        case memberChanged(Member, from: MemberState, to: MemberState)
        /// Write it down, it is to survive a restart.
        case persist(Member)
        /// It is no member any more; remove what was written down.
        case forget(PeerURL, ForgetReason)
        /// Send `ticked` then; replaces the earlier request.
        case scheduleTick(at: Instant)
    }

    package enum ForgetReason: Hashable, Sendable {
        case neverAnswered
        case deadTooLong
        case listFull
        case isSelf
        case sameAs(PeerURL)
        case friendRemoved
        /// It is a name that many peers stand behind.
        case leadsToMany
    }

    enum Phase: Hashable, Sendable { case idle, running, stopped }

    let own: PeerURL
    let ownID: String?
    package var configuration: MembershipConfiguration
    var random: SplitMix64
    var phase = Phase.idle

    /// The friends as configured, in the order of their standing.
    var waysIn: [PeerURL] = []
    /// Those of them that are members, in the same order.
    var friends: [PeerURL] = []
    /// Those of them that lead to many.
    var rendezvous: [PeerURL: Rendezvous] = [:]
    /// Names being looked up, with the time at which each is given up.
    var resolutions: [PeerURL: Instant] = [:]
    var members: [PeerURL: Member] = [:]
    /// The members' URLs, friends first, the others sorted.
    var order: [PeerURL] = []
    var urlByID: [String: PeerURL] = [:]
    var aliases = AliasList()

    var checks: [PeerURL: CheckInFlight] = [:]
    /// Registrants that wait for a free check, first come first served; bounded by
    /// `registrantsMax`, together with those whose check is on its way.
    var waitingRegistrants: [Registrant] = []
    /// Members that are due, the longest due last; made anew with each tick.
    var dueChecks: [PeerURL] = []

    /// Registrations on their way, with the time at which each is given up.
    var registrations: [PeerURL: Instant] = [:]
    /// First come first served; at most one entry a member.
    var registrationQueue: [PeerURL] = []
    var join = Join.idle
    var bootstraps: [PendingBootstrap] = []

    struct Registrant: Sendable {
        var url: PeerURL
        var token: Token
    }

    /// A check on its way, and who waits for it.
    struct CheckInFlight: Sendable {
        var giveUpAt: Instant
        var registrants: [Token] = []
    }

    /// - Parameters:
    ///   - own: This peer's own base URL, never a member.
    ///   - ownID: This peer's id, by which it knows itself under other URLs.
    ///   - seed: Of the jitter.
    package init(
        own: PeerURL, ownID: String?, configuration: MembershipConfiguration, seed: UInt64
    ) {
        self.own = own
        self.ownID = ownID
        self.configuration = configuration
        random = SplitMix64(seed: seed)
    }

    /// Takes one event and returns what is to be done, in this order.
    package mutating func handle(_ event: Event, now: Instant) -> [Effect] {
        guard phase == .running else { return handleAtRest(event, now: now) }
        var effects: [Effect] = []
        switch event {
        case .started(let friends, let restored):
            start(friends: friends, restored: restored, now: now, &effects)
        case .ticked:
            tick(now: now, &effects)
        case .registrationReceived(let url, let token):
            receiveRegistration(url, token: token, now: now, &effects)
        case .bootstrapRequested(let token):
            requestBootstrap(token: token, now: now, &effects)
        case .checkSucceeded(let url, let info, let roundTrip):
            succeed(url, info: info, roundTrip: roundTrip, now: now, &effects)
        case .checkFailed(let url, let reason):
            endCheck(url, failure: reason, now: now, &effects)
        case .registered(let url, let theirPeers, let info):
            endRegistration(url, theirPeers: theirPeers, info: info, now: now, &effects)
        case .registrationFailed(let url, let reason):
            endRegistration(url, failure: reason, now: now, &effects)
        case .reportedUnreachable(let url, let reason):
            suspect(url, state: .dead, reason: reason, now: now, &effects)
        case .leaveReceived(let url):
            suspect(url, state: .left, reason: "said goodbye", now: now, &effects)
        case .peersLearned(let urls):
            learn(urls, now: now, &effects)
        case .gossipFound(let url, let info):
            takeOver(url, info: info, now: now, &effects)
        case .gossipChanged(let id, let state):
            follow(id, to: state, now: now, &effects)
        case .gossipHeard(let id, let roundTrip, let files, let bytes):
            note(id, roundTrip: roundTrip, files: files, bytes: bytes)
        case .friendResolved(let friend, let addresses):
            endResolution(of: friend, addresses: addresses, now: now, &effects)
        case .visitSucceeded(let address, let friend, let peer, let id):
            endVisit(address, of: friend, found: peer, id: id, now: now, &effects)
        case .visitFailed(let address, let friend):
            endVisit(address, of: friend, found: nil, id: nil, now: now, &effects)
        case .shutdown:
            return shutDown(now: now)
        }
        startChecks(now: now, &effects)
        startRegistrations(now: now, &effects)
        return effects
    }

    /// Before the start and after the end nobody joins, and every caller still gets its answer.
    private mutating func handleAtRest(_ event: Event, now: Instant) -> [Effect] {
        switch event {
        case .started where phase == .idle:
            phase = .running
            return handle(event, now: now)
        case .registrationReceived(_, let token):
            return [.answerRegistration(token: token, refusal: atRest, healthy: [])]
        case .bootstrapRequested(let token):
            return [.answerBootstrap(token: token, registered: [], failed: waysIn, known: all)]
        case .shutdown:
            phase = .stopped
            return []
        case .started, .ticked, .checkSucceeded, .checkFailed, .registered, .registrationFailed,
            .reportedUnreachable, .leaveReceived, .peersLearned, .gossipFound, .gossipChanged,
            .gossipHeard, .friendResolved, .visitSucceeded, .visitFailed:
            return []
        }
    }

    private var atRest: String {
        phase == .idle ? "this peer is starting" : "this peer is stopping"
    }

    private mutating func start(
        friends: [PeerURL], restored: [RestoredMember], now: Instant, _ effects: inout [Effect]
    ) {
        setFriends(friends, now: now, &effects)
        for member in restored.sorted(by: { $0.url < $1.url }) {
            restore(member, now: now, &effects)
        }
        startJoining(now: now, &effects)
        for friend in waysIn where mayLeadToMany(friend) {
            resolve(friend, now: now, &effects)
        }
        collectDueChecks(now: now)
        effects.append(.scheduleTick(at: now + configuration.tickPeriod))
    }

    private mutating func tick(now: Instant, _ effects: inout [Effect]) {
        giveUpChecks(now: now, &effects)
        giveUpRegistrations(now: now, &effects)
        giveUpRendezvous(now: now, &effects)
        forgetDead(now: now, &effects)
        collectDueChecks(now: now)
        rejoinWhenAlone(now: now)
        retryJoining(now: now, &effects)
        effects.append(.scheduleTick(at: now + configuration.tickPeriod))
    }

    private mutating func shutDown(now: Instant) -> [Effect] {
        phase = .stopped
        var effects: [Effect] = []
        let tokens = checks.values.flatMap(\.registrants) + waitingRegistrants.map(\.token)
        for token in tokens.sorted() {
            effects.append(.answerRegistration(token: token, refusal: atRest, healthy: []))
        }
        for bootstrap in bootstraps {
            effects.append(
                .answerBootstrap(
                    token: bootstrap.token, registered: bootstrap.registered,
                    failed: bootstrap.failed + bootstrap.waiting, known: all))
        }
        checks = [:]
        waitingRegistrants = []
        registrations = [:]
        resolutions = [:]
        rendezvous = [:]
        bootstraps = []
        return effects
    }
}
