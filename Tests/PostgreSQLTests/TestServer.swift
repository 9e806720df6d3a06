import Glibc
import PostgreSQL
import Synchronization

/// The servers that `Tests/postgresql-server run` has started; `make test` does.
enum TestServer {
    static let isThere = getenv("DIRECTORY_TEST_POSTGRESQL") != nil
    static let whyNot = "DIRECTORY_TEST_POSTGRESQL is not set: Tests/postgresql-server run COMMAND"

    private static let names = Atomic(0)

    static var url: ServerURL {
        get throws { try ServerURL(variable("DIRECTORY_TEST_POSTGRESQL")) }
    }

    /// Of the one that a test may stop.
    static var stoppedURL: ServerURL {
        get throws { try ServerURL(variable("DIRECTORY_TEST_POSTGRESQL_STOPPED")) }
    }

    private static func variable(_ name: String) -> String {
        getenv(name).map { String(cString: $0) } ?? ""
    }

    /// Starts, stops or kills the server of ``stoppedURL``, and returns when that is done.
    static func control(_ action: String) throws {
        struct Failure: Error {}
        let words = variable("DIRECTORY_TEST_POSTGRESQL_CONTROL").split(separator: " ")
            .map { $0 == "%s" ? action : String($0) }
        // No shell's characters in a temporary path, nor in ours that is built.
        guard system(words.joined(separator: " ")) == 0 else { throw Failure() }
    }

    static func connection(
        _ configuration: Connection.Configuration = Connection.Configuration()
    ) throws -> Connection {
        try Connection(try url, configuration: configuration)
    }

    /// For a table of one test.
    static func name() -> String {
        "test_\(getpid())_\(names.add(1, ordering: .relaxed).newValue)"
    }
}
