import Directory
import Testing

@Suite("Every store keeps leases")
struct LeaseStoreTests {
    @Test("A lease counts for 59.9 s, and not for 60", arguments: StoreFactory.all)
    func border(factory: StoreFactory) async throws {
        let store = try await factory.make().store
        try await store.add("a")
        try await store.list("a", "x")
        let lease = try await store.open("a").lease
        for time in [UnixTime.at(0), .at(59.9), .at(59.999)] {
            #expect(try await store.activeLeases(after: nil, limit: 9, now: time) == [lease])
            #expect(try await store.found(.named("x"), now: time) == ["a:x"])
            #expect(try await store.expireLeases(now: time, limit: 9) == [])
        }
        #expect(try await store.activePeers(now: .at(60)) == [])
        for query in [FileQuery.all, .named("x"), .containing("x"), .heldBy("a")] {
            #expect(try await store.found(query, now: .at(60)) == [])
        }
        #expect(try await store.extendLease(lease.token, until: .at(120), now: .at(60)) == nil)
        #expect(try await store.expireLeases(now: .at(60), limit: 9) == [lease])
        #expect(try await store.expireLeases(now: .at(60), limit: 9) == [])
    }

    @Test("A heartbeat moves the expiry, and never back", arguments: StoreFactory.all)
    func extend(factory: StoreFactory) async throws {
        let store = try await factory.make().store
        try await store.add("a")
        let token = try await store.open("a").lease.token
        #expect(
            try await store.extendLease(token, until: .at(119.9), now: .at(59.9))?.expires
                == .at(119.9))
        #expect(
            try await store.extendLease(token, until: .at(90), now: .at(30))?.expires == .at(119.9))
        #expect(try await store.expireLeases(now: .at(119), limit: 9) == [])
        #expect(try await store.activePeers(now: .at(119)) == ["a"])
        let stranger = TokenDigest(sha256: SHA256Digest(of: [1]))
        #expect(try await store.extendLease(stranger, until: .at(90), now: .at(1)) == nil)
    }

    @Test("The last login counts, from wherever it came", arguments: StoreFactory.all)
    func twoLogins(factory: StoreFactory) async throws {
        let store = try await factory.make().store
        try await store.add("a")
        let first = try await store.open("a", at: .at(0), source: "192.0.2.1")
        let second = try await store.open("a", at: .at(1), source: "192.0.2.2")
        #expect(first.replaced == nil)
        #expect(second.replaced == first.lease)
        #expect(try await store.activeLeases(after: nil, limit: 9, now: .at(2)) == [second.lease])
        #expect(try await store.extendLease(first.lease.token, until: .at(90), now: .at(2)) == nil)
        #expect(try await store.endLease(first.lease.token, now: .at(2)) == nil)
        #expect(try await store.extendLease(second.lease.token, until: .at(90), now: .at(2)) != nil)
        // What has expired was not replaced.
        #expect(try await store.open("a", at: .at(100)).replaced == nil)
    }

    @Test("A lease that is ended is over, and its list stays", arguments: StoreFactory.all)
    func end(factory: StoreFactory) async throws {
        let store = try await factory.make().store
        try await store.add("a")
        try await store.list("a", "x")
        let lease = try await store.open("a").lease
        #expect(try await store.endLease(lease.token, now: .at(1)) == lease)
        #expect(try await store.endLease(lease.token, now: .at(1)) == nil)
        #expect(try await store.activePeers(now: .at(1)) == [])
        #expect(try await store.indexState(ofPeer: "a").files == 1)
    }

    @Test("Expired leases come oldest first, each once", arguments: StoreFactory.all)
    func expire(factory: StoreFactory) async throws {
        let store = try await factory.make().store
        for (index, name) in ["c", "a", "b", "d"].enumerated() {
            try await store.add(name)
            try await store.open(name, at: .at(Double(index)))
        }
        #expect(try await store.expireLeases(now: .at(62.5), limit: 2).map(\.peer) == ["c", "a"])
        #expect(try await store.expireLeases(now: .at(62.5), limit: 2).map(\.peer) == ["b"])
        #expect(try await store.activePeers(now: .at(62.5)) == ["d"])
    }

    @Test("Leases are listed by the bytes of their names, in parts", arguments: StoreFactory.all)
    func list(factory: StoreFactory) async throws {
        let store = try await factory.make().store
        for name in ["b", "a", "é", "Z"] {
            try await store.add(name)
            try await store.open(name)
        }
        let first = try await store.activeLeases(after: nil, limit: 2, now: .at(1))
        let rest = try await store.activeLeases(after: "a", limit: 2, now: .at(1))
        #expect(first.map(\.peer) == ["Z", "a"])
        #expect(rest.map(\.peer) == ["b", "é"])
    }

    @Test("What was acknowledged outlives a crash", arguments: StoreFactory.all)
    func crash(factory: StoreFactory) async throws {
        let test = try await factory.make()
        try await test.store.add("a", "b", "c")
        try await test.store.list("a", "x")
        let lease = try await test.store.open("a").lease
        let ended = try await test.store.open("b").lease
        _ = try await test.store.endLease(ended.token, now: .at(1))
        _ = try await test.store.extendLease(lease.token, until: .at(80), now: .at(20))
        try await test.store.flush()
        try await test.store.open("c", at: .at(21))

        let again = try await test.reopen()
        #expect(try await again.activePeers(now: .at(22)) == ["a", "c"])
        #expect(try await again.found(.all, now: .at(79.9)) == ["a:x"])
        #expect(try await again.extendLease(lease.token, until: .at(99), now: .at(79.9)) != nil)
    }

    @Test("Many logins at once are all kept", arguments: StoreFactory.all)
    func together(factory: StoreFactory) async throws {
        let test = try await factory.make()
        let names = (0..<40).map { "peer\($0)" }
        for name in names where name != "peer7" { try await test.store.add(name) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for name in names {
                group.addTask {
                    do {
                        try await test.store.open(name)
                    } catch StoreError.noSuchAccount("peer7") {
                        #expect(name == "peer7")
                    }
                }
            }
            try await group.waitForAll()
        }
        let expected = names.filter { $0 != "peer7" }.sorted()
        #expect(try await test.store.activePeers(now: .at(1)) == expected)
        #expect(try await test.reopen().activePeers(now: .at(1)) == expected)
    }

    @Test(
        "The figures count accounts, the files of all, and active leases",
        arguments: StoreFactory.all)
    func figures(factory: StoreFactory) async throws {
        let test = try await factory.make()
        #expect(
            try await test.store.figures(now: .at(0))
                == DirectoryFigures(accounts: 0, peers: 0, files: 0))
        try await test.store.add("a", "b", "c")
        try await test.store.list("a", "x", "y")
        try await test.store.list("b", "x")
        try await test.store.open("a")
        try await test.store.open("b", at: .at(30))
        #expect(
            try await test.store.figures(now: .at(59))
                == DirectoryFigures(accounts: 3, peers: 2, files: 3))
        #expect(try await test.store.figures(now: .at(60)).peers == 1)
    }
}
