import FoundationEssentials
import Overlay

/// What one peer's knowledge of a fleet costs: its members, each learned on its own, the summaries of those that
/// are near it, at their largest, and as many ids of queries as are remembered.
package struct MemoryCost: Sendable {
    package var members: Int
    /// Resident, afterwards less before.
    package var bytes: Int

    package struct Unreadable: Error, CustomStringConvertible {
        package var description: String { "/proc/self/statm says no number of pages" }
    }

    /// - Throws: ``Unreadable`` where there is no such file.
    package static func measure(members: Int) throws -> MemoryCost {
        let before = try resident()
        var random = SplitMix64(seed: 1)
        var swim = Swim(
            own: record(0, &random), members: MemberTable(), configuration: SwimConfiguration(),
            seed: 1)
        _ = swim.handle(.started(friends: []), now: .zero)
        for number in 1..<max(2, members) { learn(record(number, &random), &swim) }
        let summaries = fillSummaries(near: swim.table, &random)
        let bytes = try resident() - before
        // Both are alive until here.
        precondition(
            swim.liveCount == members && summaries.count > 0, "\(swim.liveCount) members")
        return MemoryCost(members: members, bytes: bytes)
    }

    /// With an address as long as a host's name in a cloud.
    private static func record(_ number: Int, _ random: inout SplitMix64) -> SwimRecord {
        SwimRecord(
            id: PeerID(random.next(), random.next(), random.next(), random.next()),
            address: "ip-10-0-\(number / 256)-\(number % 256).eu-central-1.compute.internal:50051",
            incarnation: Incarnation(boot: 1_790_000_000))
    }

    /// The last of them are still to be passed on.
    private static func learn(_ record: SwimRecord, _ swim: inout Swim) {
        let news = SwimMessage(from: record, body: .gossip)
        _ = swim.handle(.received(news), now: .zero)
    }

    private static func fillSummaries(
        near table: MemberTable, _ random: inout SplitMix64
    ) -> SummaryStore {
        var store = SummaryStore()
        for peer in 0..<table.count where store.count < 32 {
            let filter = GramFilter(keys: 1_000_000)
            _ = store.receive(
                .whole(boot: 1, version: random.next(), filter), from: table.record(at: peer).id,
                now: .zero)
        }
        return store
    }

    /// Resident bytes of this process (proc_pid_statm(5), the second field, in pages).
    private static func resident() throws -> Int {
        guard let data = FileManager.default.contents(atPath: "/proc/self/statm"),
            let pages = Int(String(decoding: data, as: UTF8.self).split(separator: " ")[1])
        else { throw Unreadable() }
        return pages * 4096
    }
}
