import FoundationEssentials
import Overlay

/// What a run simulates: a JSON file; what it does not say has the value given here.
package struct Scenario: Codable, Sendable {
    package enum Kind: String, Codable, Sendable {
        /// Searches over a fleet whose members know each other.
        case search
        /// A fleet that comes to know itself, under faults.
        case membership
    }

    package var name: String
    package var about: String
    package var kind: Kind
    package var peers: Int
    package var network = NetworkModel()
    /// Links of each peer in the graph of a flood.
    package var neighbours = 7
    /// Hops of a flood.
    package var ttl = 16
    /// Questions that a search may send in all.
    package var budget = 1_000_000
    /// Peers of which everybody thinks that they live, and which are dead.
    package var deadPercent = 0.0
    var content = Content.Model()
    /// Peers that hold what is looked for, one search each.
    package var searches: [Search] = []

    /// Of a membership scenario.
    package var fleet = FleetModel()
    /// A fault on purpose, which the invariants are to find.
    package var plantedBug: SwimConfiguration.PlantedBug?
    /// Takes minutes or gigabytes: only run where it is named.
    package var isLarge = false

    /// A search for content that about so many peers hold.
    package struct Search: Codable, Hashable, Sendable {
        package var name: String
        /// Exactly one peer, where 0.
        package var holdersPercent: Double
    }

    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        name = try values.decode(String.self, forKey: .name)
        about = try values.decode(String.self, forKey: .about)
        kind = try values.decode(Kind.self, forKey: .kind)
        peers = try values.decode(Int.self, forKey: .peers)
        network = try values.decodeIfPresent(NetworkModel.self, forKey: .network) ?? network
        neighbours = try values.decodeIfPresent(Int.self, forKey: .neighbours) ?? neighbours
        ttl = try values.decodeIfPresent(Int.self, forKey: .ttl) ?? ttl
        budget = try values.decodeIfPresent(Int.self, forKey: .budget) ?? budget
        deadPercent = try values.decodeIfPresent(Double.self, forKey: .deadPercent) ?? deadPercent
        content = try values.decodeIfPresent(Content.Model.self, forKey: .content) ?? content
        searches = try values.decodeIfPresent([Search].self, forKey: .searches) ?? searches
        fleet = try values.decodeIfPresent(FleetModel.self, forKey: .fleet) ?? fleet
        isLarge = try values.decodeIfPresent(Bool.self, forKey: .isLarge) ?? isLarge
        plantedBug = try values.decodeIfPresent(
            SwimConfiguration.PlantedBug.self, forKey: .plantedBug)
    }
}

/// Why there is no scenario to run.
package enum ScenarioError: Error, CustomStringConvertible {
    case notFound(String, known: [String])
    case invalid(path: String, reason: String)

    package var description: String {
        switch self {
        case .notFound(let name, let known):
            """
            there is no scenario "\(name)", neither as a file nor among: \
            \(known.joined(separator: ", "))
            """
        case .invalid(let path, let reason): "\(path) is no scenario: \(reason)"
        }
    }
}

extension Scenario {
    /// Where this package keeps them; the simulator runs from the source tree.
    static var folder: String {
        URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Scenarios").path
    }

    /// The names of all in this package, sorted.
    package static func names() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder)
            .filter { $0.hasSuffix(".json") }
            .map { String($0.dropLast(5)) }
            .sorted()
    }

    /// - Parameter nameOrFile: A name out of ``names()``, or the path of a file.
    /// - Throws: ``ScenarioError``.
    package static func load(_ nameOrFile: String) throws -> Scenario {
        let known = try names()
        let path = known.contains(nameOrFile) ? "\(folder)/\(nameOrFile).json" : nameOrFile
        guard let data = FileManager.default.contents(atPath: path) else {
            throw ScenarioError.notFound(nameOrFile, known: known)
        }
        do {
            let scenario = try JSONDecoder().decode(Scenario.self, from: data)
            if let fault = scenario.fault {
                throw ScenarioError.invalid(path: path, reason: fault)
            }
            return scenario
        } catch let error as DecodingError {
            throw ScenarioError.invalid(path: path, reason: "\(error)")
        }
    }

    /// What makes it impossible to run.
    private var fault: String? {
        guard (1...200_000).contains(peers) else { return "peers: \(peers), not in 1...200000" }
        let shares = [network.loss, network.duplication, network.reordering]
        guard shares.allSatisfy({ (0..<1).contains($0) }) else {
            return "loss, duplication and reordering are shares in 0..<1: \(shares)"
        }
        guard (0..<100).contains(deadPercent) else { return "deadPercent: \(deadPercent)" }
        guard content.words >= 100, content.wordsPerName > 0, content.filesPerPeer >= 0 else {
            return "content: at least 100 words, and one in a name"
        }
        return nil
    }
}
