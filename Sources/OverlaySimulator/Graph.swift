import Overlay

/// An undirected graph of peers, each with its neighbours in ascending order.
struct Graph {
    private(set) var neighbours: [[Int]]

    private init(neighbours: [[Int]]) { self.neighbours = neighbours }

    /// Of links that both ends name.
    init(mutual links: [Set<Int>]) {
        neighbours = links.enumerated().map { peer, ends in
            ends.filter { $0 != peer && links[$0].contains(peer) }.sorted()
        }
    }

    /// A ring, so that it is connected, and links by chance until every peer has `degree` of them, or no
    /// two that have fewer are left that are not linked. Of degree 3 and more such graphs are
    /// expanders with high probability (Friedman 2008).
    static func random(peers: Int, degree: Int, _ random: inout SplitMix64) -> Graph {
        var graph = Graph(neighbours: Array(repeating: [], count: peers))
        let ring = random.shuffle(Array(0..<peers))
        for (place, peer) in ring.enumerated() where peers > 1 {
            graph.link(peer, ring[(place + 1) % peers])
        }
        for _ in 0..<4 * degree {
            let open = (0..<peers).filter { graph.neighbours[$0].count < degree }
            let shuffled = random.shuffle(open)
            for index in stride(from: 0, to: shuffled.count - 1, by: 2) {
                graph.link(shuffled[index], shuffled[index + 1])
            }
        }
        for peer in 0..<peers { graph.neighbours[peer].sort() }
        return graph
    }

    private mutating func link(_ one: Int, _ other: Int) {
        guard one != other, !neighbours[one].contains(other) else { return }
        neighbours[one].append(other)
        neighbours[other].append(one)
    }

    /// Hops from `start` to each peer; nil where there is no way.
    func hops(from start: Int) -> [Int?] {
        var hops: [Int?] = Array(repeating: nil, count: neighbours.count)
        hops[start] = 0
        var (frontier, distance) = ([start], 0)
        while !frontier.isEmpty {
            distance += 1
            var next: [Int] = []
            for peer in frontier {
                for neighbour in neighbours[peer] where hops[neighbour] == nil {
                    hops[neighbour] = distance
                    next.append(neighbour)
                }
            }
            frontier = next
        }
        return hops
    }
}
