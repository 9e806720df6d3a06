import Overlay

/// Decides whether a client may have its request now.
///
/// One leaking bucket for requests and one for downloads per address (the token bucket of RFC
/// 2697 §3, counted from below): each use fills it by one, it leaks evenly, and what would
/// overflow the minute's number is refused. So a minute's worth may come at once.
///
/// Bounded: of more than ``addressesMax`` addresses the one that was seen least recently is
/// forgotten, and starts afresh should it return. Its buckets are the emptiest, or nearly.
/// Pure: the caller supplies `now`.
package struct RateLimiter: Sendable {
    package enum Use: Sendable, CaseIterable {
        case request
        /// Counts as a request, too.
        case download
    }

    /// 0: no limit.
    package struct Limits: Hashable, Sendable {
        package var requestsPerMinute: Int
        package var downloadsPerMinute: Int

        package init(requestsPerMinute: Int, downloadsPerMinute: Int) {
            self.requestsPerMinute = requestsPerMinute
            self.downloadsPerMinute = downloadsPerMinute
        }
    }

    package enum Verdict: Hashable, Sendable {
        case admitted
        /// A refused use costs nothing.
        case refused(retryAfter: Duration)
    }

    /// About 1 MB.
    package static let addressesMax = 10_000

    private struct Client {
        let address: ClientAddress
        var requests = LeakingBucket()
        var downloads = LeakingBucket()
        /// Neighbours in the list from the newest to the stalest; slots of `clients`.
        var newer: Int?
        var older: Int?
    }

    private let capacity: Int
    private var clients: [Client] = []
    private var slots: [ClientAddress: Int] = [:]
    private var newest: Int?
    private var stalest: Int?

    package init(addressesMax: Int = Self.addressesMax) {
        precondition(addressesMax > 0, "a table for \(addressesMax) addresses")
        capacity = addressesMax
    }

    /// Addresses that are remembered.
    package var count: Int { clients.count }

    package mutating func admit(
        _ use: Use, from address: ClientAddress, limits: Limits, now: Instant
    ) -> Verdict {
        let slot = touch(address)
        clients[slot].requests.leak(perMinute: limits.requestsPerMinute, now: now)
        clients[slot].downloads.leak(perMinute: limits.downloadsPerMinute, now: now)
        var wait = clients[slot].requests.wait(perMinute: limits.requestsPerMinute)
        if use == .download {
            wait = max(wait, clients[slot].downloads.wait(perMinute: limits.downloadsPerMinute))
        }
        guard wait == .zero else { return .refused(retryAfter: wait) }
        clients[slot].requests.fill(perMinute: limits.requestsPerMinute)
        if use == .download { clients[slot].downloads.fill(perMinute: limits.downloadsPerMinute) }
        return .admitted
    }

    // MARK: - The table

    /// Finds or makes the address's slot and puts it at the head of the list.
    private mutating func touch(_ address: ClientAddress) -> Int {
        let slot: Int
        if let known = slots[address] {
            if known == newest { return known }
            unlink(known)
            slot = known
        } else {
            slot = place(Client(address: address))
            slots[address] = slot
        }
        clients[slot].newer = nil
        clients[slot].older = newest
        if let newest { clients[newest].newer = slot }
        newest = slot
        stalest = stalest ?? slot
        return slot
    }

    /// In a new slot, or in that of the stalest.
    private mutating func place(_ client: Client) -> Int {
        guard clients.count == capacity, let slot = stalest else {
            clients.append(client)
            return clients.count - 1
        }
        slots[clients[slot].address] = nil
        unlink(slot)
        clients[slot] = client
        return slot
    }

    private mutating func unlink(_ slot: Int) {
        let (newer, older) = (clients[slot].newer, clients[slot].older)
        if let newer { clients[newer].older = older } else { newest = older }
        if let older { clients[older].newer = newer } else { stalest = newer }
    }
}

/// Counts uses and forgets them at an even pace.
private struct LeakingBucket {
    private var level = 0.0
    private var leaked: Instant?

    /// - Parameter perMinute: 0: no limit; the bucket runs empty.
    mutating func leak(perMinute: Int, now: Instant) {
        let elapsed = leaked.map { now - $0 } ?? .zero
        leaked = now
        guard perMinute > 0 else {
            level = 0
            return
        }
        level = max(0, level - elapsed.inSeconds * Double(perMinute) / 60)
    }

    /// Until one more fits; zero: it fits.
    func wait(perMinute: Int) -> Duration {
        guard perMinute > 0 else { return .zero }
        // What leaking in many small steps rounds away must not cost a whole use.
        let overflow = level + 1 - Double(perMinute)
        return overflow <= 1e-6 ? .zero : .seconds(overflow * 60 / Double(perMinute))
    }

    mutating func fill(perMinute: Int) {
        if perMinute > 0 { level += 1 }
    }
}

extension Duration {
    fileprivate var inSeconds: Double {
        Double(components.seconds) + Double(components.attoseconds) * 1e-18
    }
}
