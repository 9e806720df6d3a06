import Glibc
import PostgreSQL
import Synchronization

/// The servers that `Tests/postgresql-server run` has started; `make test` does.
enum TestPostgreSQL {
    static let url = variable("DIRECTORY_TEST_POSTGRESQL")
    static let whyNot = "DIRECTORY_TEST_POSTGRESQL is not set: Tests/postgresql-server run COMMAND"

    private static let schemas = Atomic(0)

    private static func variable(_ name: String) -> String? {
        getenv(name).map { String(cString: $0) }
    }

    /// A new and empty schema; the URL of the database that begins there.
    static func makeSchema() throws -> String {
        let name = "test_\(getpid())_\(schemas.add(1, ordering: .relaxed).newValue)"
        try connection().execute("CREATE SCHEMA \(name)")
        return "\(url ?? "")&options=-csearch_path%3D\(name)"
    }

    static func connection(_ url: String? = url) throws -> Connection {
        try Connection(try ServerURL(url ?? ""))
    }
}
