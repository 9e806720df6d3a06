/// Friends by a name that may lead to many peers.
///
/// A name is resolved before it is used. One address, or none: it is a friend like any other, and
/// whoever connects resolves it again. Several of one family: a ``Rendezvous``, from then on. (One
/// of each family is a host with both.) TLS needs the name, so https friends are left as they are.
extension Membership {
    /// Tries a friend as the way in.
    mutating func approach(_ friend: PeerURL, now: Instant, _ effects: inout [Effect]) {
        if mayLeadToMany(friend) {
            resolve(friend, now: now, &effects)
        } else {
            startRegistration(friend, now: now, &effects)
        }
    }

    func mayLeadToMany(_ friend: PeerURL) -> Bool {
        configuration.resolvesFriends && !friend.isSecure && !friend.hasAddress
    }

    mutating func resolve(_ friend: PeerURL, now: Instant, _ effects: inout [Effect]) {
        guard resolutions[friend] == nil, rendezvous[friend]?.isIdle != false else { return }
        resolutions[friend] = now + configuration.giveUpAfter
        effects.append(.resolve(friend))
    }

    /// What a friend's name leads to now; nothing where it could not be found out.
    mutating func endResolution(
        of friend: PeerURL, addresses: [PeerURL], now: Instant, _ effects: inout [Effect]
    ) {
        guard resolutions.removeValue(forKey: friend) != nil, waysIn.contains(friend) else {
            return
        }
        let ofSix = addresses.count { $0.host.contains(":") }
        if max(ofSix, addresses.count - ofSix) > 1 { makeRendezvous(friend, &effects) }
        if rendezvous[friend] != nil {
            visit(addresses, of: friend, now: now, &effects)
        } else {
            admitFriend(friend, now: now)
            if isTried(friend) { startRegistration(friend, now: now, &effects) }
        }
    }

    /// Whether somebody waits for this friend to take us.
    private func isTried(_ friend: PeerURL) -> Bool {
        if case .trying(friend, _) = join { return true }
        return bootstraps.contains { $0.waiting.contains(friend) }
    }

    /// It is a way in and no member from now on.
    mutating func makeRendezvous(_ friend: PeerURL, _ effects: inout [Effect]) {
        guard rendezvous[friend] == nil else { return }
        rendezvous[friend] = Rendezvous()
        remove(friend, .leadsToMany, &effects)
        friends.removeAll { $0 == friend }
    }

    private mutating func visit(
        _ addresses: [PeerURL], of friend: PeerURL, now: Instant, _ effects: inout [Effect]
    ) {
        let others = random.shuffle(Set(addresses).subtracting([own]).sorted())
        rendezvous[friend]?.asked = 0
        rendezvous[friend]?.hasEntered = false
        for address in others.prefix(configuration.visitsMax) {
            rendezvous[friend]?.visits[address] = now + configuration.giveUpAfter
            effects.append(.visit(address, of: friend))
        }
        endRound(of: friend, now: now, &effects)
    }

    /// - Parameters:
    ///   - peer: The URL under which it wants to be known; nil: it says none that can be used.
    ///   - id: nil from the original REST-only program.
    mutating func endVisit(
        _ address: PeerURL, of friend: PeerURL, found peer: PeerURL?, id: String?, now: Instant,
        _ effects: inout [Effect]
    ) {
        guard rendezvous[friend]?.visits.removeValue(forKey: address) != nil else { return }
        if let peer, peer != own, id == nil || id != ownID {
            let known = id.flatMap { urlByID[$0] }.flatMap { members[$0] }
            let entry = known?.state == .alive ? known?.url ?? peer : peer
            enter(through: entry, of: friend, now: now, &effects)
        }
        endRound(of: friend, now: now, &effects)
    }

    /// Everybody found is learned; a few are asked to take us.
    private mutating func enter(
        through peer: PeerURL, of friend: PeerURL, now: Instant, _ effects: inout [Effect]
    ) {
        learn([peer], now: now, &effects)
        guard let member = members[peer], let round = rendezvous[friend] else { return }
        if member.state == .alive && member.registration == .done {
            settleEntry(peer, tookUs: true, now: now, &effects)
            enterRound(of: friend, &effects)
        } else if round.asked < configuration.entriesMax, !round.entries.contains(peer) {
            rendezvous[friend]?.asked += 1
            rendezvous[friend]?.entries.insert(peer)
            startRegistration(peer, now: now, &effects)
        }
    }

    /// The end of a registration with somebody who was found by a friend's name.
    mutating func settleEntry(
        _ peer: PeerURL, tookUs: Bool, now: Instant, _ effects: inout [Effect]
    ) {
        for friend in rendezvous.keys.sorted()
        where rendezvous[friend]?.entries.remove(peer) != nil {
            if tookUs { enterRound(of: friend, &effects) }
            endRound(of: friend, now: now, &effects)
        }
    }

    private mutating func enterRound(of friend: PeerURL, _ effects: inout [Effect]) {
        rendezvous[friend]?.hasEntered = true
        join = .joined
        settleBootstraps(friend, registered: true, &effects)
    }

    private mutating func endRound(
        of friend: PeerURL, now: Instant, _ effects: inout [Effect]
    ) {
        guard let round = rendezvous[friend], round.isIdle else { return }
        settleBootstraps(friend, registered: round.hasEntered, &effects)
        if !round.hasEntered { leaveFriend(friend, now: now, &effects) }
    }

    /// A shell that never answers is no way in.
    mutating func giveUpRendezvous(now: Instant, _ effects: inout [Effect]) {
        for friend in resolutions.filter({ $0.value <= now }).keys.sorted() {
            endResolution(of: friend, addresses: [], now: now, &effects)
        }
        for (friend, round) in rendezvous.sorted(by: { $0.key < $1.key }) {
            for address in round.visits.filter({ $0.value <= now }).keys.sorted() {
                endVisit(address, of: friend, found: nil, id: nil, now: now, &effects)
            }
        }
    }

    /// Without a living member the names are asked again: others may stand behind them by now.
    mutating func rejoinWhenAlone(now: Instant) {
        guard join == .joined, waysIn.contains(where: mayLeadToMany),
            !members.values.contains(where: { $0.state == .alive })
        else { return }
        join = .waiting(until: now + backoff(0), attempts: 1)
    }
}
