import Overlay

/// What a peer believes of a member only ever goes forward: a claim of an earlier incarnation, or a weaker
/// one of the same, never replaces a later. Looked at from outside, after every event.
extension FleetSimulation {
    /// Larger fleets are not watched, for the sake of speed: their code is the same.
    static let watchedPeersMax = 128

    /// What `index` believes of everybody that an event speaks of.
    func beliefs(about event: Swim.Event, at index: Int) -> [SwimRecord] {
        guard peers.count <= Self.watchedPeersMax, case .received(let message) = event
        else { return [] }
        var named = [message.from] + message.updates.map(\.record)
        if case .records(let records, _) = message.body { named += records }
        let table = peers[index].swim.table
        return named.compactMap { table[$0.id] }
    }

    /// Compares what was believed before an event with what is now; one that was forgotten may come back as anything.
    mutating func demandForward(_ before: [SwimRecord], at index: Int) {
        for former in before {
            guard let record = peers[index].swim.table[former.id],
                (record.incarnation, record.state) < (former.incarnation, former.state)
            else { continue }
            let subject = indexByID[former.id].map { "p\($0)" } ?? "\(former.id)"
            violate(
                """
                p\(index) at \(queue.now.sinceStart) went back: \(subject) was \
                \(former.state) of \(former.incarnation), is \(record.state) of \
                \(record.incarnation)
                """)
        }
    }
}
