import Directory
import Synchronization

/// A clock that stands until it is moved.
final class TestClock: Sendable {
    private let time = Mutex(UnixTime.at(0))

    var now: UnixTime { time.withLock { $0 } }

    func move(to seconds: Double) {
        time.withLock { $0 = .at(seconds) }
    }
}

/// A directory over a new store, with a clock of its own and hashes that cost little.
struct TestDirectory {
    let clock = TestClock()
    let test: TestStore
    let service: DirectoryService

    init(
        _ factory: StoreFactory = .sqlite,
        change: (inout DirectoryService.Configuration) -> Void = { _ in }
    ) async throws {
        test = try await factory.make()
        var configuration = DirectoryService.Configuration()
        configuration.passwords = .weakest
        change(&configuration)
        let clock = clock
        service = try DirectoryService(
            store: test.store, configuration: configuration, clock: { clock.now })
    }

    func logIn(
        _ name: String, _ password: String = "sd1234", source: String = "192.0.2.1",
        index: IndexReport = .nothing
    ) async throws -> Login {
        try await service.logIn(name: name, password: password, source: source, index: index)
    }
}
