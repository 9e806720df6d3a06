/// Checks: when, how many at once, and what their outcome means.
extension Membership {
    /// Starts checks while there is room: registrants first, since somebody waits for them.
    mutating func startChecks(now: Instant, _ effects: inout [Effect]) {
        while checks.count < configuration.checksInFlightMax {
            if let registrant = waitingRegistrants.first {
                waitingRegistrants.removeFirst()
                startCheck(registrant.url, for: registrant.token, now: now, &effects)
            } else if let url = dueChecks.popLast() {
                guard let member = members[url], member.checkDue <= now,
                    checks[url] == nil, registrations[url] == nil
                else { continue }
                startCheck(url, for: nil, now: now, &effects)
            } else {
                return
            }
        }
    }

    /// One check of a URL serves all who wait for it.
    private mutating func startCheck(
        _ url: PeerURL, for token: Token?, now: Instant, _ effects: inout [Effect]
    ) {
        let tokens = token.map { [$0] } ?? []
        if checks[url] != nil {
            checks[url]?.registrants += tokens
            return
        }
        checks[url] = CheckInFlight(
            giveUpAt: now + configuration.giveUpAfter, registrants: tokens)
        effects.append(.check(url))
    }

    /// A registration being on its way is a check of its own.
    mutating func collectDueChecks(now: Instant) {
        let due = members.values.filter { member in
            member.checkDue <= now && checks[member.url] == nil
                && registrations[member.url] == nil
        }
        dueChecks = due.sorted { ($1.checkDue, $1.url) < ($0.checkDue, $0.url) }.map(\.url)
    }

    mutating func giveUpChecks(now: Instant, _ effects: inout [Effect]) {
        for url in checks.filter({ $0.value.giveUpAt <= now }).keys.sorted() {
            endCheck(
                url, failure: "no answer within \(configuration.giveUpAfter)", now: now, &effects)
        }
    }

    /// Whether the member has said goodbye since it was asked what it answers now: a peer that ends still
    /// serves for a moment.
    ///
    /// - Parameter giveUpAt: When the question would have been given up; nil: it was.
    func isBehindGoodbye(_ url: PeerURL, giveUpAt: Instant?) -> Bool {
        guard let member = members[url], member.state == .left else { return false }
        return giveUpAt.map { $0 <= member.since + configuration.giveUpAfter } ?? true
    }

    /// An answer to a check; one that was given up proves life as well.
    mutating func succeed(
        _ url: PeerURL, info: PeerInfo, roundTrip: Duration, now: Instant,
        _ effects: inout [Effect]
    ) {
        let check = checks.removeValue(forKey: url)
        let tokens = check?.registrants ?? []
        guard !isBehindGoodbye(url, giveUpAt: check?.giveUpAt) else {
            answer(tokens, refusal: "\(url) has said goodbye", &effects)
            return
        }
        guard isOurs(url, info: info, now: now, &effects) else {
            let isSelf = info.id == ownID
            answer(tokens, refusal: isSelf ? "that URL is this peer's own" : nil, &effects)
            return
        }
        if members[url] == nil {
            guard !tokens.isEmpty else { return }
            guard makeRoom(&effects) else {
                answer(tokens, refusal: "the list of peers is full", &effects)
                return
            }
            insert(url, now: now)
        }
        markAlive(url, info: info, roundTrip: roundTrip, now: now, &effects)
        answer(tokens, refusal: nil, &effects)
    }

    /// Whether `url` is to be the URL of the peer that answered there; if not, it is an alias.
    mutating func isOurs(
        _ url: PeerURL, info: PeerInfo, now: Instant, _ effects: inout [Effect]
    ) -> Bool {
        guard let id = info.id else { return true }
        if id == ownID {
            friends.removeAll { $0 == url }
            if waysIn.contains(url), mayLeadToMany(url) {
                // Only we stand behind the name so far; others may follow.
                makeRendezvous(url, &effects)
            } else {
                waysIn.removeAll { $0 == url }
                dropAlias(url, .isSelf, now: now, &effects)
            }
            return false
        }
        guard let other = urlByID[id], other != url, let known = members[other] else {
            return true
        }
        if friends.contains(url) || known.state != .alive {
            if !known.isFriend {
                dropAlias(other, .sameAs(url), now: now, &effects)
            }
            return true
        }
        dropAlias(url, .sameAs(other), now: now, &effects)
        return false
    }

    private mutating func dropAlias(
        _ url: PeerURL, _ reason: ForgetReason, now: Instant, _ effects: inout [Effect]
    ) {
        remove(url, reason, &effects)
        aliases.insert(
            url, until: now + configuration.aliasLifetime, limit: configuration.aliasesMax)
    }

    mutating func markAlive(
        _ url: PeerURL, info: PeerInfo?, roundTrip: Duration?, now: Instant,
        _ effects: inout [Effect]
    ) {
        guard var member = members[url] else { return }
        let known = member.info
        let isNews = info.map { known?.hasSameIdentity(as: $0) != true } ?? false
        member.info = info ?? known
        member.roundTrip = roundTrip ?? member.roundTrip
        member.consecutiveFailures = 0
        member.reason = nil
        member.wasAlive = true
        member.checkDue =
            member.isGossiped
            ? .distant : now + random.jitter(configuration.healthCheckInterval, percent: 10)
        members[url] = member
        if isNews, let oldID = known?.id, urlByID[oldID] == url { urlByID[oldID] = nil }
        if let id = info?.id { urlByID[id] = url }

        let isAnother = known != nil && isNews && info?.id != known?.id
        if member.state != .alive {
            change(url, to: .alive, reason: nil, now: now, &effects)
            if !member.isGossiped { setRegistration(of: url, to: .queued) }
        } else if isAnother {
            // Another peer behind the same address: it has never heard of us.
            setRegistration(of: url, to: .queued)
        } else if case .retry(let from) = member.registration, from <= now {
            setRegistration(of: url, to: .queued)
        }
        if isAnother || member.state == .dead, member.isFriend, mayLeadToMany(url) {
            // The name may have come to lead to many.
            resolve(url, now: now, &effects)
        }
        if isNews, member.state == .alive, let changed = members[url] {
            effects.append(.persist(changed))
        }
        introduce(url, &effects)
    }

    mutating func endCheck(
        _ url: PeerURL, failure reason: String, now: Instant, _ effects: inout [Effect]
    ) {
        guard let check = checks.removeValue(forKey: url) else { return }
        markFailed(url, reason: reason, now: now, &effects)
        answer(check.registrants, refusal: "\(url): \(reason)", &effects)
    }

    /// One more failure in a row. A living member is looked at again soon, a dead one less and
    /// less often, down to every fourth interval; friends every interval.
    mutating func markFailed(
        _ url: PeerURL, reason: String, now: Instant, _ effects: inout [Effect]
    ) {
        guard let member = members[url], !member.isGossiped else { return }
        let failures = member.consecutiveFailures + 1
        if member.state == .unknown && !member.wasAlive && !member.isFriend {
            remove(url, .neverAnswered, &effects)
            return
        }
        let interval = configuration.healthCheckInterval
        let staysAlive = member.state == .alive && failures < configuration.failuresUntilDead
        let pause =
            staysAlive
            ? min(interval / 4, .seconds(1)) : interval * (member.isFriend ? 1 : min(failures, 4))
        members[url]?.consecutiveFailures = failures
        members[url]?.reason = reason
        members[url]?.checkDue = now + random.jitter(pause, percent: 10)
        if !staysAlive && !member.isGone {
            change(url, to: .dead, reason: reason, now: now, &effects)
        }
    }

    /// Somebody's word that a member is gone. A search that ran into it makes it dead at once, so
    /// that the next search does not; the check that follows at once corrects a mistake.
    mutating func suspect(
        _ url: PeerURL, state: MemberState, reason: String, now: Instant,
        _ effects: inout [Effect]
    ) {
        guard let member = members[url], member.state.isLive else { return }
        if member.isGossiped, let id = member.info?.id {
            effects.append(.doubt(id: id))
            return
        }
        let pause = state == .left ? configuration.healthCheckInterval : .zero
        members[url]?.consecutiveFailures = member.consecutiveFailures + 1
        members[url]?.checkDue = now + pause
        change(url, to: state, reason: reason, now: now, &effects)
        dueChecks.append(url)
    }

    /// Precondition: the state is another one, and `url` is a member's.
    mutating func change(
        _ url: PeerURL, to state: MemberState, reason: String?, now: Instant,
        _ effects: inout [Effect]
    ) {
        guard var member = members[url] else {
            preconditionFailure("\(url) is no member, and cannot become \(state)")
        }
        precondition(member.state != state, "\(url) is \(state) already")
        let from = member.state
        member.state = state
        member.since = now
        member.reason = reason
        members[url] = member
        if !state.isLive { setRegistration(of: url, to: .notNeeded) }
        effects.append(.memberChanged(member, from: from, to: state))
        if member.wasAlive { effects.append(.persist(member)) }
    }
}
