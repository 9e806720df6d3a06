import FoundationEssentials

/// What a run found: one JSON object, or a table.
package struct Report: Codable, Sendable {
    package var scenario: String
    package var seed: UInt64
    package var peers: Int
    /// Equal for two runs in which the same happened.
    package var trace: String
    /// Of the search that found the least: files found / files that its flood found.
    package var recall: Double?
    /// Over all searches.
    package var messages: Int?
    package var floodMessages: Int?
    package var searches: [SearchComparison] = []
    package var fleet: FleetOutcome?
    /// Invariants that did not hold, in words; empty in a good run.
    package var violations: [String] = []

    enum CodingKeys: String, CodingKey {
        case scenario, seed, peers, trace, recall, messages, searches, fleet, violations
        case floodMessages = "flood_messages"
    }

    /// One line, keys sorted.
    package func json() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(self), as: UTF8.self)
    }
}
