/// What became of a fleet.
package struct FleetOutcome: Codable, Hashable, Sendable {
    /// From each crash until every live peer took it for dead, sorted, in seconds.
    package var crashKnownSeconds: [Double] = []
    /// From each start of a new peer until 99.9 % of all knew it.
    package var joinKnownSeconds: [Double] = []
    /// How often a live peer was declared dead by one that was not told so.
    package var falseDeaths = 0
    package var suspicions = 0
    /// From the last fault until everybody believed what is true; nil where that did not come.
    package var convergedSeconds: Double?
    /// Sent by each peer, on average over the run, and by the one that sent most.
    package var bytesPerSecond = 0.0
    package var bytesPerSecondMax = 0.0
    package var messages = 0
    package var simulatedSeconds = 0.0
    /// Sent by each peer for its summary at rest, beside the membership.
    package var summaryBytesPerSecond = 0.0
    package var graph: GraphOutcome?

    enum CodingKeys: String, CodingKey {
        case crashKnownSeconds = "crash_known_seconds"
        case joinKnownSeconds = "join_known_seconds"
        case falseDeaths = "false_deaths"
        case suspicions
        case convergedSeconds = "converged_seconds"
        case bytesPerSecond = "bytes_per_second"
        case bytesPerSecondMax = "bytes_per_second_max"
        case messages, graph
        case summaryBytesPerSecond = "summary_bytes_per_second"
        case simulatedSeconds = "simulated_seconds"
    }

    /// The value that a share of all do not exceed; nil where there is none.
    static func quantile(_ sorted: [Double], _ share: Double) -> Double? {
        guard !sorted.isEmpty else { return nil }
        return sorted[min(sorted.count - 1, Int(Double(sorted.count) * share))]
    }
}
