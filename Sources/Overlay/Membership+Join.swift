extension Membership {
    /// The way in: the primary friend, else the secondary, else both again after a pause, until
    /// one has taken us. Afterwards every friend is a member like others, checked and registered
    /// with as soon as it lives.
    enum Join: Hashable, Sendable {
        /// There is no friend.
        case idle
        case trying(friend: PeerURL, attempts: Int)
        case waiting(until: Instant, attempts: Int)
        case joined
    }

    /// A call of `POST /bootstrap` that waits for its registrations.
    struct PendingBootstrap: Sendable {
        var token: Token
        var waiting: [PeerURL]
        var registered: [PeerURL] = []
        var failed: [PeerURL] = []
    }

    mutating func startJoining(now: Instant, _ effects: inout [Effect]) {
        guard let first = waysIn.first else {
            join = .idle
            return
        }
        join = .trying(friend: first, attempts: 0)
        approach(first, now: now, &effects)
    }

    /// `url` did not take us: on to the next friend, and after the last one a pause.
    mutating func leaveFriend(_ url: PeerURL, now: Instant, _ effects: inout [Effect]) {
        guard case .trying(url, let attempts) = join else { return }
        let place = waysIn.firstIndex(of: url).map { $0 + 1 } ?? 0
        if place < waysIn.count {
            join = .trying(friend: waysIn[place], attempts: attempts)
            approach(waysIn[place], now: now, &effects)
        } else if waysIn.isEmpty {
            join = .idle
        } else {
            join = .waiting(until: now + backoff(attempts), attempts: attempts + 1)
        }
    }

    mutating func retryJoining(now: Instant, _ effects: inout [Effect]) {
        guard case .waiting(let until, let attempts) = join, until <= now,
            let first = waysIn.first
        else { return }
        join = .trying(friend: first, attempts: attempts)
        approach(first, now: now, &effects)
    }

    /// Registers with every friend, whatever is believed of them.
    mutating func requestBootstrap(token: Token, now: Instant, _ effects: inout [Effect]) {
        guard !waysIn.isEmpty, bootstraps.count < configuration.bootstrapsMax else {
            effects.append(
                .answerBootstrap(token: token, registered: [], failed: waysIn, known: all))
            return
        }
        bootstraps.append(PendingBootstrap(token: token, waiting: waysIn))
        for friend in waysIn {
            approach(friend, now: now, &effects)
        }
    }

    mutating func settleBootstraps(
        _ url: PeerURL, registered: Bool, _ effects: inout [Effect]
    ) {
        for index in bootstraps.indices where bootstraps[index].waiting.contains(url) {
            bootstraps[index].waiting.removeAll { $0 == url }
            if registered {
                bootstraps[index].registered.append(url)
            } else {
                bootstraps[index].failed.append(url)
            }
        }
        for bootstrap in bootstraps where bootstrap.waiting.isEmpty {
            effects.append(
                .answerBootstrap(
                    token: bootstrap.token, registered: bootstrap.registered,
                    failed: bootstrap.failed, known: all))
        }
        bootstraps.removeAll { $0.waiting.isEmpty }
    }
}
