/// The updates that are still to be passed on, each so many times; the newest of each member.
///
/// Source: SWIM §4.1: those passed on least often go first, so that news overtakes what most have heard.
struct Dissemination: Sendable {
    private struct Entry: Sendable {
        var update: SwimUpdate
        var transmissions: Int
    }

    private var entries: [Entry] = []

    var isEmpty: Bool { entries.isEmpty }

    /// - Parameter limit: Past it the entry passed on most often gives way.
    mutating func enqueue(_ update: SwimUpdate, limit: Int) {
        entries.removeAll { $0.update.record.id == update.record.id }
        entries.insert(Entry(update: update, transmissions: 0), at: 0)
        if entries.count > limit { entries.removeLast() }
    }

    /// Updates for one message, `bytesMax` at most, each counted as passed on once more.
    mutating func take(bytesMax: Int, transmissionsMax: Int) -> [SwimUpdate] {
        guard !entries.isEmpty else { return [] }
        var (taken, bytes, count) = ([SwimUpdate](), 0, 0)
        while count < entries.count {
            bytes += entries[count].update.encodedBytes
            if bytes > bytesMax { break }
            taken.append(entries[count].update)
            entries[count].transmissions += 1
            count += 1
        }
        entries.removeAll { $0.transmissions >= transmissionsMax }
        sort()
        return taken
    }

    /// By transmissions; stable, so that the order is the same in every process.
    private mutating func sort() {
        let sorted = entries.enumerated().sorted {
            ($0.element.transmissions, $0.offset) < ($1.element.transmissions, $1.offset)
        }
        entries = sorted.map(\.element)
    }
}
