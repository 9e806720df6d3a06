@testable import Overlay

typealias Effect = Membership.Effect

func url(_ name: String) -> PeerURL {
    do { return try PeerURL("http://\(name)") } catch { preconditionFailure("\(error)") }
}

func info(_ id: String, name: String = "x") -> PeerInfo {
    PeerInfo(id: id, name: name, version: "1", grpc: "\(name):50051", files: 1, bytes: 2)
}

let (a, b, c, d) = (url("a"), url("b"), url("c"), url("d"))

/// A membership with a clock that the test moves; what it asks of the clock is left out.
struct Fixture {
    var membership: Membership
    var now = Instant.zero

    init(_ change: (inout MembershipConfiguration) -> Void = { _ in }) {
        var configuration = MembershipConfiguration(healthCheckInterval: .seconds(30))
        change(&configuration)
        membership = Membership(
            own: url("self"), ownID: "me", configuration: configuration, seed: 1)
    }

    /// Started, friends a and b; the registration with a is on its way, b is being checked.
    static func started(_ change: (inout MembershipConfiguration) -> Void = { _ in }) -> Fixture {
        var fixture = Fixture(change)
        fixture.send(.started(friends: [a, b], restored: []))
        return fixture
    }

    /// Friend a alive, registered and known, and nothing on its way.
    static func joined(_ change: (inout MembershipConfiguration) -> Void = { _ in }) -> Fixture {
        var fixture = Fixture(change)
        fixture.send(.started(friends: [a], restored: []))
        fixture.send(.registered(url: a, theirPeers: [], info: info("A")))
        return fixture
    }

    @discardableResult
    mutating func send(_ event: Membership.Event) -> [Effect] {
        membership.handle(event, now: now).filter {
            if case .scheduleTick = $0 { false } else { true }
        }
    }

    /// Lets the clock run to `seconds` from now in ticks of a second.
    @discardableResult
    mutating func run(seconds: Int) -> [Effect] {
        var effects: [Effect] = []
        for _ in 0..<seconds {
            now = now + .seconds(1)
            effects += send(.ticked)
        }
        return effects
    }

    /// A member c that is alive and registered with, and not a friend.
    mutating func addAlive(_ url: PeerURL, id: String) {
        send(.peersLearned([url]))
        send(.checkSucceeded(url: url, info: info(id), roundTrip: .milliseconds(3)))
        send(.registered(url: url, theirPeers: [], info: nil))
    }
}

extension [Membership.Effect] {
    var checked: [PeerURL] { compactMap { if case .check(let url) = $0 { url } else { nil } } }
    var registeredWith: [PeerURL] {
        compactMap { if case .register(let url) = $0 { url } else { nil } }
    }
    var changes: [String] {
        compactMap {
            guard case .memberChanged(let member, let from, let to) = $0 else { return nil }
            return "\(member.url.host) \(from) \(to)"
        }
    }
    var persisted: [PeerURL] {
        compactMap { if case .persist(let member) = $0 { member.url } else { nil } }
    }
    var forgotten: [PeerURL] {
        compactMap { if case .forget(let url, _) = $0 { url } else { nil } }
    }
}
