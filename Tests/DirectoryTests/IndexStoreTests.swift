import Directory
import Testing

@Suite("Every store keeps lists")
struct IndexStoreTests {
    @Test("A list comes back as it was sent", arguments: StoreFactory.all)
    func fields(factory: StoreFactory) async throws {
        let store = try await factory.make().store
        try await store.add("a")
        try await store.open("a")
        let entries = [
            IndexEntry(filename: "plain", url: "[]"),
            IndexEntry(
                filename: "dir/ä 漢.txt", size: .max, sha256: SHA256Digest(of: [1]), modified: -1,
                url: #"{"a": [1e999, "\ud800\u0000", null]}"#),
            IndexEntry(filename: "e\u{301}", size: 0), IndexEntry(filename: "é", modified: 0),
            IndexEntry(filename: "no url"),
        ]
        let list = IndexList(entries, received: SHA256Digest(of: [2]))
        let state = try await store.replaceIndex(ofPeer: "a", with: list)
        #expect(state == IndexState(version: list.version, received: list.received, files: 5))
        #expect(try await store.indexState(ofPeer: "a") == state)
        let found = try await store.all(.all).map(\.entry)
        #expect(IndexList(found).version == list.version)
        for entry in entries {
            #expect(try await store.all(.named(entry.filename)).map(\.entry) == [entry])
        }
        let holding = try await store.all(.named("plain")).first
        #expect(holding?.contact.restURL == "http://192.0.2.1:8001")
        #expect(holding?.contact.grpc == nil)
        #expect(holding?.contact.peerID == "id")
    }

    @Test("A file that was already listed is not listed twice", arguments: StoreFactory.all)
    func twice(factory: StoreFactory) async throws {
        let store = try await factory.make().store
        try await store.add("a")
        try await store.open("a")
        try await store.list("a", "x", "y", "x")
        #expect(try await store.found(.all) == ["a:x", "a:y"])
        #expect(try await store.indexState(ofPeer: "a").files == 2)
        try await store.list("a", "y", "x", "z")
        #expect(try await store.found(.all) == ["a:x", "a:y", "a:z"])
        try await store.list("a")
        #expect(try await store.found(.all) == [])
        #expect(try await store.indexState(ofPeer: "a") == IndexState())
    }

    @Test("A peer that returns has its list, without sending it", arguments: StoreFactory.all)
    func returning(factory: StoreFactory) async throws {
        let store = try await factory.make().store
        try await store.add("a")
        try await store.list("a", "x")
        let before = try await store.indexState(ofPeer: "a")
        try await store.open("a")
        _ = try await store.expireLeases(now: .at(60), limit: 9)
        try await store.open("a", at: .at(100))
        #expect(try await store.indexState(ofPeer: "a") == before)
        #expect(try await store.found(.all, now: .at(100)) == ["a:x"])
    }

    @Test("A delta of another list changes nothing", arguments: StoreFactory.all)
    func mismatch(factory: StoreFactory) async throws {
        let store = try await factory.make().store
        try await store.add("a")
        try await store.open("a")
        try await store.list("a", "x")
        let before = try await store.indexState(ofPeer: "a")
        let entry = IndexEntry(filename: "y")
        let deltas = [
            IndexDelta(base: .empty, changed: [entry], removed: ["x"]),
            IndexDelta(base: before.version, result: .empty, changed: [entry], removed: ["x"]),
        ]
        for delta in deltas {
            let answer = try await store.applyDelta(delta, ofPeer: "a", filesMax: 9)
            #expect(answer == nil)
            #expect(try await store.indexState(ofPeer: "a") == before)
            #expect(try await store.found(.all) == ["a:x"])
        }
        let fine = IndexDelta(base: before.version, changed: [entry], removed: ["not there"])
        await #expect(throws: StoreError.tooManyFiles(limit: 1)) {
            _ = try await store.applyDelta(fine, ofPeer: "a", filesMax: 1)
        }
        #expect(try await store.found(.all) == ["a:x"])
        let after = try await store.applyDelta(fine, ofPeer: "a", filesMax: 2)
        #expect(after?.files == 2)
        #expect(after?.received == nil)
        #expect(try await store.found(.containing("Y")) == ["a:y"])
    }

    @Test(
        "Deltas come to what whole lists come to",
        arguments: StoreFactory.all, [1, 2, 3, 4, 5] as [UInt64])
    func property(factory: StoreFactory, seed: UInt64) async throws {
        let store = try await factory.make().store
        try await store.add("delta", "whole", "other")
        for peer in ["delta", "whole", "other"] { try await store.open(peer) }
        try await store.list("other", "f1", "f2", "f3")
        var random = SeededGenerator(seed: seed)
        var files: [String: IndexEntry] = [:]
        for step in 0..<25 {
            let base = IndexVersion(of: files.values)
            var changed: [IndexEntry] = []
            var removed: [String] = []
            for number in 0..<12 where Int.random(in: 0..<3, using: &random) == 0 {
                let name = "f\(number)"
                if Bool.random(using: &random) {
                    let entry = IndexEntry(
                        filename: name, size: Int64.random(in: 0..<3, using: &random))
                    files[name] = entry
                    changed.append(entry)
                } else {
                    files[name] = nil
                    removed.append(name)
                }
            }
            let entries = files.values.shuffled(using: &random)
            let delta = IndexDelta(
                base: base, result: IndexVersion(of: entries), changed: changed, removed: removed)
            let one = try await store.applyDelta(delta, ofPeer: "delta", filesMax: 100)
            let two = try await store.replaceIndex(ofPeer: "whole", with: IndexList(entries))
            #expect(one?.version == two.version, "seed \(seed), step \(step)")
            #expect(one?.files == files.count, "seed \(seed), step \(step)")
            let held = try await store.all(.heldBy("delta"), limit: 3).map(\.entry)
            #expect(IndexList(held).version == two.version, "seed \(seed), step \(step)")
            let whole = try await store.all(.heldBy("whole"), limit: 3).map(\.entry)
            #expect(IndexList(whole).version == two.version, "seed \(seed), step \(step)")
        }
        #expect(try await store.found(.heldBy("other")) == ["other:f1", "other:f2", "other:f3"])
    }
}

/// SplitMix64 (Steele et al., 2014).
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
