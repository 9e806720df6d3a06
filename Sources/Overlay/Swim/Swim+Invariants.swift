/// What holds for one peer after every event, for tests and the simulator.
extension Swim {
    /// The first of them that does not hold, in words.
    package func fault(now: Instant) -> String? {
        for suspicion in suspicions {
            let late = now - deadline(of: suspicion)
            if late > configuration.probeInterval {
                return "\(suspicion.id) is a suspect, \(late) after its time"
            }
            if table[suspicion.id]?.state != .suspect {
                return "\(suspicion.id) has a suspicion and is none"
            }
        }
        if relays.count > configuration.relaysMax { return "\(relays.count) probes for others" }
        if table.count > configuration.membersMax { return "\(table.count) members" }
        if suspicions.count > configuration.suspicionsMax {
            return "\(suspicions.count) suspicions"
        }
        if phase == .running, own.state != .alive { return "it takes itself for \(own.state)" }
        return nil
    }
}
