/// URLs that turned out to be another name of somebody known, each until a time.
///
/// Bounded: the one that came first gives way. It may then be checked once more, no worse.
struct AliasList: Sendable {
    private var expiry: [PeerURL: Instant] = [:]
    private var arrivals: [PeerURL] = []

    mutating func insert(_ url: PeerURL, until: Instant, limit: Int) {
        if expiry.updateValue(until, forKey: url) == nil {
            arrivals.append(url)
        }
        if arrivals.count > limit {
            expiry[arrivals.removeFirst()] = nil
        }
    }

    func contains(_ url: PeerURL, now: Instant) -> Bool {
        expiry[url].map { now < $0 } ?? false
    }
}
