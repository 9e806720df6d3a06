import Overlay

/// The graph of neighbours, as the peers see it: a link counts where both its ends live and both have it.
package struct GraphOutcome: Codable, Hashable, Sendable {
    package var degreeMax = 0
    /// Of the living, the share that is in the largest part that is connected: the least ever, and at the end.
    package var connectedMin = 1.0
    package var connectedAtEnd = 1.0
    /// At the end, between peers of the largest part.
    package var hopsMean = 0.0
    package var hopsMax = 0

    enum CodingKeys: String, CodingKey {
        case degreeMax = "degree_max"
        case connectedMin = "connected_min"
        case connectedAtEnd = "connected_at_end"
        case hopsMean = "hops_mean"
        case hopsMax = "hops_max"
    }
}

extension FleetSimulation {
    /// Each second in small fleets, at the end also in large ones: the cost is the square of their size.
    mutating func noteGraph(isEnd: Bool) {
        guard peers.count <= (isEnd ? 20_000 : Self.watchedPeersMax) else { return }
        let graph = Graph(mutual: neighbourSets())
        var found = outcome.graph ?? GraphOutcome()
        found.degreeMax = max(found.degreeMax, graph.neighbours.map { $0.count }.max() ?? 0)
        let (share, start) = largestPart(graph)
        found.connectedMin = min(found.connectedMin, share)
        if isEnd {
            found.connectedAtEnd = share
            (found.hopsMean, found.hopsMax) = hops(graph, from: start)
        }
        outcome.graph = found
    }

    /// What each living peer takes for its neighbours.
    private func neighbourSets() -> [Set<Int>] {
        peers.map { peer in
            guard peer.isRunning, !peer.hasLeft else { return [] }
            let ids = RingNeighbours(own: peer.id, table: peer.swim.table).ids
            return Set(ids.compactMap { indexByID[$0] })
        }
    }

    private func largestPart(_ graph: Graph) -> (share: Double, start: Int) {
        var (left, best, start) = (Set<Int>(), 0, 0)
        for index in peers.indices where peers[index].isRunning && !peers[index].hasLeft {
            left.insert(index)
        }
        while let first = left.min(), best < left.count {
            let part = graph.hops(from: first).enumerated().filter { $0.element != nil }
            if part.count > best { (best, start) = (part.count, first) }
            left.subtract(part.map(\.offset))
        }
        return (Double(best) / Double(max(1, living)), start)
    }

    /// From one peer and from nine of those that it reaches.
    private func hops(_ graph: Graph, from start: Int) -> (mean: Double, most: Int) {
        let reached = graph.hops(from: start).enumerated().filter { $0.element != nil }
        let stride = max(1, reached.count / 9)
        var (sum, count, most) = (0, 0, 0)
        for place in Swift.stride(from: 0, to: reached.count, by: stride) {
            for case let hops? in graph.hops(from: reached[place].offset) where hops > 0 {
                sum += hops
                count += 1
                most = max(most, hops)
            }
        }
        return (Double(sum) / Double(max(1, count)), most)
    }
}
