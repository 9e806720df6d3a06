import Directory
import Testing

@Suite("A login")
struct LoginTests {
    @Test("gives a token that keeps the lease", arguments: StoreFactory.all)
    func story(factory: StoreFactory) async throws {
        let directory = try await TestDirectory(factory)
        let service = directory.service
        try await service.addAccount(name: "Peer3", password: "sd1234")
        let json = Array(#"[{"filename": "a.txt", "url": []}]"#.utf8)
        let login = try await directory.logIn("Peer3", index: .json(json))
        #expect(login.expires == .at(60))
        #expect(login.replaced == nil)
        #expect(try await service.peers(limit: 10).map(\.peer) == ["Peer3"])
        let page = try await service.holdings(.named("a.txt"), limit: 10)
        #expect(page.elements.map(\.entry.url) == ["[]"])

        directory.clock.move(to: 59.9)
        #expect(try await service.heartbeat(token: login.token).expires == .at(119.9))
        directory.clock.move(to: 119.8)
        #expect(try await service.expire() == [])
        directory.clock.move(to: 119.9)
        #expect(try await service.peers(limit: 10) == [])
        #expect(try await service.holdings(.all, limit: 10).elements == [])
        await #expect(throws: DirectoryError.unknownToken) {
            _ = try await service.heartbeat(token: login.token)
        }
        #expect(
            try await service.expire().map(\.description)
                == ["Peer 'Peer3' se ha desconectado por inactividad"])
        #expect(try await service.expire() == [])
    }

    @Test(
        "is refused alike for all that is wrong, and the log knows what",
        arguments: [
            ("nobody", "sd1234", DirectoryError.Refusal.unknownAccount),
            ("Peer1", "sd12345", .wrongPassword), ("Peer1", "", .unknownAccount),
            ("", "sd1234", .unknownAccount), ("off", "sd1234", .disabled),
            ("off", "x", .wrongPassword),
            ("a\nb", "x", .unknownAccount),
        ])
    func refused(name: String, password: String, refusal: DirectoryError.Refusal) async throws {
        let directory = try await TestDirectory()
        try await directory.service.addAccount(name: "Peer1", password: "sd1234")
        try await directory.service.addAccount(name: "off", password: "sd1234")
        _ = try await directory.service.setDisabled(true, account: "off")
        await #expect(throws: DirectoryError.wrongCredentials(refusal)) {
            _ = try await directory.logIn(name, password)
        }
        #expect(
            DirectoryError.wrongCredentials(refusal).description
                == "the user name or the password is wrong")
    }

    @Test("of a peer with its list of before takes no list")
    func version() async throws {
        let directory = try await TestDirectory()
        let service = directory.service
        try await service.addAccount(name: "a", password: "sd1234")
        let list = IndexList([IndexEntry(filename: "x")])
        let first = try await directory.logIn("a", index: .version(list.version))
        #expect(first.index == .sendWhole(IndexState()))
        _ = try await service.heartbeat(token: first.token, index: .whole(list))
        directory.clock.move(to: 61)
        let second = try await directory.logIn("a", index: .version(list.version))
        #expect(second.index == .current(IndexState(version: list.version, files: 1)))
        #expect(try await service.holdings(.named("x"), limit: 9).elements.count == 1)
        // A delta of another list extends the lease all the same.
        directory.clock.move(to: 62)
        let delta = IndexDelta(base: .empty, changed: [], removed: ["x"])
        let beat = try await service.heartbeat(token: second.token, index: .delta(delta))
        #expect(beat.index == .sendWhole(IndexState(version: list.version, files: 1)))
        #expect(beat.expires == .at(122))
    }

    @Test("with the same bytes leaves the list unread, and with others does not")
    func sameBytes() async throws {
        let directory = try await TestDirectory()
        try await directory.service.addAccount(name: "a", password: "sd1234")
        let one = Array(#"[{"filename":"x","url":[]},{"filename":"y","url":{}}]"#.utf8)
        let other = Array(#"[{"url":{},"filename":"y"},{"filename":"x","url":[]}]"#.utf8)
        let first = try await directory.logIn("a", index: .json(one))
        let again = try await directory.logIn("a", index: .json(one))
        #expect(first.index == again.index)
        #expect(again.replaced != nil)
        guard case .current(let before) = first.index,
            case .current(let after) = try await directory.logIn("a", index: .json(other)).index
        else {
            Issue.record("the list was not taken")
            return
        }
        #expect(before.version == after.version)
        #expect(before.received != after.received)
    }

    @Test("with a list that is refused opens no lease")
    func badList() async throws {
        let directory = try await TestDirectory()
        try await directory.service.addAccount(name: "a", password: "sd1234")
        await #expect(
            throws: DirectoryError.badIndex(.malformed(offset: 0, expected: "a list of files"))
        ) {
            _ = try await directory.logIn("a", index: .json(Array("no".utf8)))
        }
        #expect(try await directory.service.peers(limit: 9) == [])
    }

    @Test("ends with the account's: logged out, disabled, removed")
    func departures() async throws {
        let directory = try await TestDirectory()
        let service = directory.service
        for name in ["a", "b", "c"] {
            try await service.addAccount(name: name, password: "sd1234")
        }
        let token = try await directory.logIn("a").token
        _ = try await directory.logIn("b")
        _ = try await directory.logIn("c")
        #expect(
            try await service.logOut(token: token) == PeerDeparture(peer: "a", reason: .logout))
        #expect(try await service.setDisabled(true, account: "b")?.reason == .disabled)
        #expect(try await service.removeAccount(name: "c")?.reason == .removed)
        #expect(try await service.peers(limit: 9) == [])
        await #expect(throws: DirectoryError.unknownToken) {
            _ = try await service.logOut(token: token)
        }
    }

    @Test("needs the new password once it is changed, though the old was proved lately")
    func changedPassword() async throws {
        let directory = try await TestDirectory()
        try await directory.service.addAccount(name: "a", password: "sd1234")
        let token = try await directory.logIn("a").token
        // By another process: only the store knows.
        let other = try DirectoryService(store: directory.test.store, clock: { .at(0) })
        try await other.setPassword("new", ofAccount: "a")
        await #expect(throws: DirectoryError.wrongCredentials(.wrongPassword)) {
            _ = try await directory.logIn("a")
        }
        _ = try await directory.service.heartbeat(token: token)
        _ = try await directory.logIn("a", "new")
        // Which had other parameters, and has been hashed anew.
        let hash = try await directory.test.store.account(named: "a")?.passwordHash.string
        #expect(hash?.contains("$m=8,t=1,") == true)
        _ = try await directory.logIn("a", "new")
    }

    @Test("that fails too often waits, from there, and nobody elsewhere does")
    func throttled() async throws {
        let directory = try await TestDirectory()
        try await directory.service.addAccount(name: "a", password: "sd1234")
        for _ in 0..<5 {
            await #expect(throws: DirectoryError.wrongCredentials(.wrongPassword)) {
                _ = try await directory.logIn("a", "guess", source: "198.51.100.1")
            }
        }
        await #expect(throws: DirectoryError.throttled(retryAfter: .seconds(12))) {
            _ = try await directory.logIn("a", "sd1234", source: "198.51.100.1")
        }
        _ = try await directory.logIn("a", "sd1234", source: "192.0.2.1")
        directory.clock.move(to: 12)
        _ = try await directory.logIn("a", "sd1234", source: "198.51.100.1")
    }

    @Test("from an address of many failures waits, except for who is known there")
    func throttledAddress() async throws {
        let directory = try await TestDirectory()
        try await directory.service.addAccount(name: "known", password: "sd1234")
        try await directory.service.addAccount(name: "new", password: "sd1234")
        _ = try await directory.logIn("known")
        for number in 0..<50 {
            await #expect(throws: DirectoryError.wrongCredentials(.unknownAccount)) {
                _ = try await directory.logIn("guess\(number)")
            }
        }
        await #expect(throws: DirectoryError.throttled(retryAfter: .seconds(1))) {
            _ = try await directory.logIn("new")
        }
        _ = try await directory.logIn("known")
        directory.clock.move(to: 1)
        _ = try await directory.logIn("new")
    }

    @Test("and its parts are bounded")
    func bounds() async throws {
        let directory = try await TestDirectory()
        let service = directory.service
        let long = String(repeating: "x", count: 129)
        for (name, password) in [("", "x"), (long, "x"), ("a", ""), ("a\u{7}", "x")] {
            await #expect {
                try await service.addAccount(name: name, password: password)
            } throws: { error in
                if case DirectoryError.invalid = error { true } else { false }
            }
        }
        try await service.addAccount(name: "a", password: "sd1234")
        let contact = PeerContact(restURL: String(repeating: "x", count: 513))
        await #expect(throws: DirectoryError.self) {
            _ = try await service.logIn(
                name: "a", password: "sd1234", source: "::1", contact: contact)
        }
        for (query, limit) in [(FileQuery.all, 0), (.all, 10_001), (.containing(""), 1)] {
            await #expect(throws: DirectoryError.self) {
                _ = try await service.holdings(query, limit: limit)
            }
        }
    }
}
