/// The answer of `GET /search`.
struct SearchDocument: Codable {
    /// What one peer answered.
    struct Result: Codable {
        /// REST base URL.
        var peer: String
        var name: String
        var files: [FileEntry]
        /// More files matched than are listed.
        var truncated: Bool
        /// Who told: the peer itself (`overlay`) or a directory.
        var via: String
    }

    struct Failure: Codable {
        var url: String
        var reason: String
    }

    struct Coverage: Codable {
        /// Peers that answered, and peers known here; this one among both.
        var reached: Int
        var known: Int
        var failed: [Failure]
        var duplicates: Int
        var truncated: Bool
        var elapsedMilliseconds: Double
        /// URL of the directory that answered.
        var directory: String?

        private enum CodingKeys: String, CodingKey {
            case reached, known, failed, duplicates, truncated, directory
            case elapsedMilliseconds = "elapsed_ms"
        }
    }

    var query: String
    var ttl: Int
    var fanoutUsed: Int
    var results: [Result]
    var coverage: Coverage

    private enum CodingKeys: String, CodingKey {
        case query, ttl, results, coverage
        case fanoutUsed = "fanout_used"
    }
}
