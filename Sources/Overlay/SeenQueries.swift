/// The ids of queries met lately, so that a cycle ends where it began.
///
/// Bounded twice: an id lives for `lifetime`, counted from when it was first met, and past
/// `limit` the oldest gives way. A query that comes back after that is answered a second time:
/// its TTL still ends it, and whoever asked drops the second answer.
struct SeenQueries: Sendable {
    private let limit: Int
    private let lifetime: Duration
    private var firstMet: [QueryID: Instant] = [:]
    /// A ring in order of arrival; `oldest` is the next to be overwritten.
    private var arrivals: [QueryID] = []
    private var oldest = 0

    init(limit: Int, lifetime: Duration) {
        precondition(limit > 0, "a limit of \(limit) ids would forget each at once")
        self.limit = limit
        self.lifetime = lifetime
    }

    /// Whether the id was not met within the lifetime; it is from now on.
    mutating func insert(_ id: QueryID, now: Instant) -> Bool {
        if let met = firstMet[id] {
            if now - met < lifetime { return false }
            // Its old place in the ring stays: the worst is that it is forgotten early.
            firstMet[id] = now
            return true
        }
        firstMet[id] = now
        if arrivals.count < limit {
            arrivals.append(id)
        } else {
            firstMet[arrivals[oldest]] = nil
            arrivals[oldest] = id
            oldest = (oldest + 1) % limit
        }
        return true
    }
}
