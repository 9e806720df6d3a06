/// The list itself: who is in it, in which order, and who has to leave it.
extension Membership {
    /// Every member's URL: friends first, in their order, then the others sorted.
    package var all: [PeerURL] { order }

    /// The living ones, in the same order.
    package var healthy: [PeerURL] { order.filter { members[$0]?.state.isLive == true } }

    /// Every member, in the same order.
    package var list: [Member] { order.compactMap { members[$0] } }

    package subscript(url: PeerURL) -> Member? { members[url] }

    /// Whom a search may ask: the living ones that have said what they speak.
    package var neighbours: [Neighbour] {
        order.compactMap { url in
            guard let member = members[url], member.state.isLive, let info = member.info
            else { return nil }
            return Neighbour(
                url: url, id: info.id, speaks: member.protocol == .p2p ? .p2p : .rest,
                isFriend: member.isFriend)
        }
    }

    /// How many members are in each state; every state is there.
    package var counts: [MemberState: Int] {
        var counts = Dictionary(uniqueKeysWithValues: MemberState.allCases.map { ($0, 0) })
        for member in members.values {
            counts[member.state, default: 0] += 1
        }
        return counts
    }

    /// Replaces the friends. Who was one stays a member if it ever answered.
    mutating func setFriends(_ urls: [PeerURL], now: Instant, _ effects: inout [Effect]) {
        let former = friends
        waysIn = []
        for url in urls where url != own && !waysIn.contains(url) {
            waysIn.append(url)
        }
        // A new name is a friend once it is known to lead to one peer alone.
        friends = waysIn.filter { !mayLeadToMany($0) || former.contains($0) }
        rendezvous = rendezvous.filter { waysIn.contains($0.key) }
        resolutions = resolutions.filter { waysIn.contains($0.key) }
        for url in former where !friends.contains(url) {
            members[url]?.isFriend = false
            if members[url]?.wasAlive == false {
                remove(url, .friendRemoved, &effects)
            }
        }
        for url in friends {
            if members[url] == nil {
                members[url] = Member(
                    url: url, isFriend: true, since: now, wasAlive: false, checkDue: now)
            }
            members[url]?.isFriend = true
        }
        order = friends + members.keys.filter { !friends.contains($0) }.sorted()
    }

    /// Makes one of the ways in a friend and a member, to be checked at once.
    mutating func admitFriend(_ url: PeerURL, now: Instant) {
        guard !friends.contains(url) else { return }
        friends = waysIn.filter { friends.contains($0) || $0 == url }
        if members[url] == nil {
            members[url] = Member(
                url: url, isFriend: true, since: now, wasAlive: false, checkDue: now)
            dueChecks.append(url)
        }
        members[url]?.isFriend = true
        order = friends + members.keys.filter { !friends.contains($0) }.sorted()
    }

    /// Takes a member of an earlier run as unknown, to be checked. Its time until it is forgotten
    /// begins anew, since instants do not survive a restart.
    mutating func restore(_ restored: RestoredMember, now: Instant, _ effects: inout [Effect]) {
        let url = restored.url
        if members[url] == nil {
            guard url != own, makeRoom(&effects) else { return }
            insert(url, now: now)
        }
        guard members[url]?.state == .unknown else { return }
        members[url]?.info = restored.info
        members[url]?.wasAlive = true
        if let id = restored.info?.id, urlByID[id] == nil {
            urlByID[id] = url
        }
    }

    /// Adds URLs that others named, to be checked at once.
    mutating func learn(_ urls: [PeerURL], now: Instant, _ effects: inout [Effect]) {
        for url in urls.prefix(configuration.membersMax)
        where url != own && members[url] == nil && rendezvous[url] == nil
            && !aliases.contains(url, now: now)
        {
            guard makeRoom(&effects) else { return }
            insert(url, now: now)
            dueChecks.append(url)
        }
    }

    mutating func insert(_ url: PeerURL, now: Instant) {
        members[url] = Member(
            url: url, isFriend: false, since: now, wasAlive: false, checkDue: now)
        var (low, high) = (friends.count, order.count)
        while low < high {
            let middle = (low + high) / 2
            if order[middle] < url { low = middle + 1 } else { high = middle }
        }
        order.insert(url, at: low)
    }

    /// Whether one more member has its place; the longest dead one gives way for it.
    mutating func makeRoom(_ effects: inout [Effect]) -> Bool {
        if members.count < configuration.membersMax { return true }
        let dead = members.values.filter { $0.isGone && !$0.isFriend }
        guard let oldest = dead.min(by: { ($0.since, $0.url) < ($1.since, $1.url) })
        else { return false }
        remove(oldest.url, .listFull, &effects)
        return true
    }

    mutating func remove(_ url: PeerURL, _ reason: ForgetReason, _ effects: inout [Effect]) {
        setRegistration(of: url, to: .notNeeded)
        guard let member = members.removeValue(forKey: url) else { return }
        order.removeAll { $0 == url }
        if let id = member.info?.id, urlByID[id] == url {
            urlByID[id] = nil
        }
        effects.append(.forget(url, reason))
    }

    mutating func forgetDead(now: Instant, _ effects: inout [Effect]) {
        let forgotten = members.values.filter { member in
            member.isGone && !member.isFriend
                && now - member.since >= configuration.forgetDeadAfter
        }
        for member in forgotten.sorted(by: { $0.url < $1.url }) {
            remove(member.url, .deadTooLong, &effects)
        }
    }
}

extension Member {
    var isGone: Bool { state == .dead || state == .left }
}
