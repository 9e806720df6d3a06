/// Registering here (others with us) and there (we with others).
extension Membership {
    /// That peer is checked at once, then answered; past the bound it is refused at once.
    mutating func receiveRegistration(
        _ url: PeerURL, token: Token, now: Instant, _ effects: inout [Effect]
    ) {
        let waiting = checks.values.reduce(waitingRegistrants.count) { $0 + $1.registrants.count }
        if url == own {
            answer([token], refusal: "that URL is this peer's own", &effects)
        } else if waiting >= configuration.registrantsMax {
            answer([token], refusal: "too many registrations at once, try again", &effects)
        } else {
            waitingRegistrants.append(Registrant(url: url, token: token))
        }
    }

    func answer(_ tokens: [Token], refusal: String?, _ effects: inout [Effect]) {
        guard !tokens.isEmpty else { return }
        let healthy = refusal == nil ? healthy : []
        for token in tokens {
            effects.append(.answerRegistration(token: token, refusal: refusal, healthy: healthy))
        }
    }

    /// Moves a member to another stage, and keeps the queue true to it.
    mutating func setRegistration(of url: PeerURL, to stage: Member.Registration) {
        guard let former = members[url]?.registration, former != stage else { return }
        members[url]?.registration = stage
        if former == .queued {
            registrationQueue.removeAll { $0 == url }
        }
        if stage == .queued {
            registrationQueue.append(url)
        }
    }

    mutating func startRegistrations(now: Instant, _ effects: inout [Effect]) {
        while registrations.count < configuration.registrationsInFlightMax,
            let url = registrationQueue.first
        {
            if registrations[url] == nil {
                startRegistration(url, now: now, &effects)
            } else {
                setRegistration(of: url, to: .inFlight)
            }
        }
    }

    /// Goes past the bound for friends, who are few and are the way in.
    mutating func startRegistration(_ url: PeerURL, now: Instant, _ effects: inout [Effect]) {
        setRegistration(of: url, to: .inFlight)
        guard registrations[url] == nil else { return }
        registrations[url] = now + configuration.giveUpAfter
        effects.append(.register(with: url))
    }

    /// We are in its list now; its list is ours to check.
    mutating func endRegistration(
        _ url: PeerURL, theirPeers: [PeerURL], info: PeerInfo?, now: Instant,
        _ effects: inout [Effect]
    ) {
        if isBehindGoodbye(url, giveUpAt: registrations[url]) {
            endRegistration(url, failure: "said goodbye", now: now, &effects)
            return
        }
        registrations[url] = nil
        guard members[url] != nil else {
            settleBootstraps(url, registered: false, &effects)
            settleEntry(url, tookUs: false, now: now, &effects)
            leaveFriend(url, now: now, &effects)
            return
        }
        if let info, !isOurs(url, info: info, now: now, &effects) {
            settleBootstraps(url, registered: info.id != ownID, &effects)
            settleEntry(url, tookUs: info.id != ownID, now: now, &effects)
            leaveFriend(url, now: now, &effects)
            return
        }
        markAlive(url, info: info, roundTrip: nil, now: now, &effects)
        setRegistration(of: url, to: .done)
        members[url]?.registrationFailures = 0
        if members[url]?.info == nil {
            // Alive, and it has not said what it speaks: ask.
            members[url]?.checkDue = now
            dueChecks.append(url)
        }
        if friends.contains(url) { join = .joined }
        settleBootstraps(url, registered: true, &effects)
        settleEntry(url, tookUs: true, now: now, &effects)
        learn(theirPeers, now: now, &effects)
    }

    /// A living member that refuses us is checked; for any other it counts as a failed check.
    mutating func endRegistration(
        _ url: PeerURL, failure reason: String, now: Instant, _ effects: inout [Effect]
    ) {
        guard registrations.removeValue(forKey: url) != nil else { return }
        if let member = members[url] {
            if member.state == .alive {
                let failures = member.registrationFailures
                setRegistration(of: url, to: .retry(from: now + backoff(failures)))
                members[url]?.registrationFailures = failures + 1
                members[url]?.reason = reason
                members[url]?.checkDue = now
                dueChecks.append(url)
            } else {
                setRegistration(of: url, to: .notNeeded)
                markFailed(url, reason: reason, now: now, &effects)
            }
        }
        settleBootstraps(url, registered: false, &effects)
        settleEntry(url, tookUs: false, now: now, &effects)
        leaveFriend(url, now: now, &effects)
    }

    mutating func giveUpRegistrations(now: Instant, _ effects: inout [Effect]) {
        for url in registrations.filter({ $0.value <= now }).keys.sorted() {
            endRegistration(
                url, failure: "no answer within \(configuration.giveUpAfter)", now: now, &effects)
        }
    }

    mutating func backoff(_ attempts: Int) -> Duration {
        let doubled = configuration.joinBackoffMin * (1 << min(attempts, 16))
        return random.jitter(min(doubled, configuration.joinBackoffMax), percent: 20)
    }
}
