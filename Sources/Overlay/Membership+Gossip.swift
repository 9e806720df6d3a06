/// Members that ``Swim`` watches: it keys them by id, the list by URL.
///
/// The checks find a peer of our kind, and hand it over; when the gossip believes it dead, the checks
/// begin again, so that either of the two ways finds it when it is back.
extension Membership {
    /// For the gossip, unless it has the member already.
    func introduce(_ url: PeerURL, _ effects: inout [Effect]) {
        guard let member = members[url], !member.isGossiped, let id = member.info?.id,
            let grpc = member.info?.grpc
        else { return }
        effects.append(.introduce(id: id, grpc: grpc))
    }

    /// - Parameter url: What the peer calls itself; a living friend keeps the name that it was configured by.
    mutating func takeOver(
        _ url: PeerURL, info: PeerInfo, now: Instant, _ effects: inout [Effect]
    ) {
        guard let id = info.id, id != ownID, url != own, rendezvous[url] == nil else { return }
        var place = url
        if let former = urlByID[id], former != url, let known = members[former] {
            if known.isFriend && known.state.isLive {
                place = former
            } else if !known.isFriend {
                remove(former, .sameAs(url), &effects)
            }
        }
        if members[place] == nil {
            guard makeRoom(&effects) else { return }
            insert(place, now: now)
        }
        members[place]?.isGossiped = true
        markAlive(place, info: info, roundTrip: nil, now: now, &effects)
        setRegistration(of: place, to: .done)
        if friends.contains(place) { join = .joined }
    }

    /// Takes over what the gossip believes of a member that it watches; of others it says only goodbyes that count.
    mutating func follow(
        _ id: String, to state: MemberState, now: Instant, _ effects: inout [Effect]
    ) {
        guard let url = urlByID[id], let member = members[url],
            member.isGossiped || state == .left
        else { return }
        switch state {
        case .alive:
            markAlive(url, info: nil, roundTrip: nil, now: now, &effects)
        case .suspect:
            guard member.state == .alive else { return }
            change(url, to: .suspect, reason: "does not answer", now: now, &effects)
        case .dead, .left:
            members[url]?.isGossiped = false
            members[url]?.checkDue = now + configuration.healthCheckInterval
            guard member.state != state else { return }
            let reason = state == .left ? "said goodbye" : "did not answer the gossip's probes"
            change(url, to: state, reason: reason, now: now, &effects)
        case .unknown:
            break
        }
    }

    mutating func note(_ id: String, roundTrip: Duration?, files: Int64?, bytes: Int64?) {
        guard let url = urlByID[id], members[url] != nil else { return }
        if let roundTrip { members[url]?.roundTrip = roundTrip }
        if let files { members[url]?.info?.files = files }
        if let bytes { members[url]?.info?.bytes = bytes }
    }
}
