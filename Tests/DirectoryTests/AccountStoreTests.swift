import Directory
import Testing

@Suite("Every store keeps accounts")
struct AccountStoreTests {
    @Test("An account is there once it is added, and once only", arguments: StoreFactory.all)
    func add(factory: StoreFactory) async throws {
        let store = try await factory.make().store
        #expect(try await store.account(named: "Peer1") == nil)
        try await store.add("Peer1")
        #expect(
            try await store.account(named: "Peer1")
                == Account(name: "Peer1", passwordHash: PasswordHash("hash of Peer1")))
        await #expect(throws: StoreError.accountExists("Peer1")) { try await store.add("Peer1") }
        #expect(try await store.account(named: "peer1") == nil)
    }

    @Test("Accounts are listed by their bytes, in parts", arguments: StoreFactory.all)
    func list(factory: StoreFactory) async throws {
        let store = try await factory.make().store
        try await store.add("b", "é", "a", "B", "e\u{301}")
        #expect(try await store.accounts(after: nil, limit: 2).map(\.name) == ["B", "a"])
        let rest = try await store.accounts(after: "a", limit: 10).map { Array($0.name.utf8) }
        #expect(rest == [Array("b".utf8), Array("e\u{301}".utf8), Array("é".utf8)])
    }

    @Test("A rehash does not undo a changed password", arguments: StoreFactory.all)
    func rehash(factory: StoreFactory) async throws {
        let store = try await factory.make().store
        try await store.add("a")
        let old = PasswordHash("hash of a")
        let new = PasswordHash("new")
        #expect(try await store.setPasswordHash(new, ofAccount: "a", expected: nil))
        #expect(
            try await !store.setPasswordHash(PasswordHash("re"), ofAccount: "a", expected: old))
        #expect(try await store.account(named: "a")?.passwordHash == new)
        #expect(
            try await store.setPasswordHash(PasswordHash("re"), ofAccount: "a", expected: new))
        await #expect(throws: StoreError.noSuchAccount("b")) {
            _ = try await store.setPasswordHash(new, ofAccount: "b", expected: nil)
        }
    }

    @Test("A disabled account loses its lease at once, not its list", arguments: StoreFactory.all)
    func disable(factory: StoreFactory) async throws {
        let store = try await factory.make().store
        try await store.add("a")
        try await store.list("a", "x")
        let lease = try await store.open("a").lease
        #expect(try await store.setDisabled(true, account: "a", now: .at(1)) == lease)
        #expect(try await store.setDisabled(true, account: "a", now: .at(1)) == nil)
        #expect(try await store.activePeers(now: .at(1)) == [])
        #expect(try await store.found(.all) == [])
        #expect(try await store.extendLease(lease.token, until: .at(90), now: .at(1)) == nil)
        await #expect(throws: StoreError.accountDisabled("a")) { try await store.open("a") }
        #expect(try await store.expireLeases(now: .at(100), limit: 10) == [])

        #expect(try await store.setDisabled(false, account: "a", now: .at(2)) == nil)
        #expect(try await store.activePeers(now: .at(2)) == [])
        try await store.open("a", at: .at(2))
        #expect(try await store.found(.all, now: .at(3)) == ["a:x"])
    }

    @Test("A removed account takes everything along", arguments: StoreFactory.all)
    func remove(factory: StoreFactory) async throws {
        let store = try await factory.make().store
        try await store.add("a", "b")
        try await store.list("a", "x", "only a's")
        try await store.list("b", "x")
        try await store.open("b")
        let lease = try await store.open("a").lease
        #expect(try await store.removeAccount(named: "a", now: .at(1)) == lease)
        #expect(try await store.account(named: "a") == nil)
        #expect(try await store.found(.all) == ["b:x"])
        #expect(try await store.extendLease(lease.token, until: .at(90), now: .at(1)) == nil)
        await #expect(throws: StoreError.noSuchAccount("a")) { try await store.open("a") }
        await #expect(throws: StoreError.noSuchAccount("a")) {
            _ = try await store.removeAccount(named: "a", now: .at(1))
        }
        await #expect(throws: StoreError.noSuchAccount("a")) {
            _ = try await store.indexState(ofPeer: "a")
        }

        // One of the same name is another.
        try await store.add("a")
        #expect(try await store.indexState(ofPeer: "a") == IndexState())
        try await store.open("a")
        #expect(try await store.found(.heldBy("a")) == [])
    }
}
