import CPostgreSQL

/// One connection to a server, for one thread at a time, which ``Database`` sees to.
package final class Connection {
    package struct Configuration: Sendable {
        /// Seconds until a connection is made, for each address of the host.
        package var connectTimeout = 5
        /// Milliseconds after which the server gives up a statement. This side waits for two
        /// seconds more, and then takes the connection for lost.
        package var statementTimeout = 10_000
        /// What `pg_stat_activity` shows.
        package var applicationName = "p2p-peer"
        /// For the session: `SET name = value`. Not from outside: they are put into the SQL.
        package var settings: [(name: String, value: String)] = []

        package init() {}
    }

    /// Beyond it a statement is prepared each time; a program has fewer.
    private static let cachedStatementsMax = 128
    private static let graceMilliseconds = 2_000

    private let handle: OpaquePointer
    private var statements: [String: String] = [:]
    /// How long this side waits for an answer, in milliseconds.
    private var patience: Int
    /// The connection is of no more use.
    private(set) var isLost = false

    /// Connects, on the calling thread.
    ///
    /// - Throws: `libraryMissing`, `unreachable`, `failed`.
    package init(
        _ server: ServerURL, configuration: Configuration = Configuration()
    ) throws(PostgreSQLError) {
        if let reason = cpostgresql_load() {
            throw .libraryMissing(server: "\(server)", reason: String(cString: reason))
        }
        patience = configuration.statementTimeout + Self.graceMilliseconds
        guard let opened = Self.connect(server, configuration) else {
            throw .unreachable(server: "\(server)", reason: "out of memory")
        }
        handle = opened
        if Int(cpostgresql_status(handle)) != CPOSTGRESQL_CONNECTION_OK {
            throw .unreachable(server: "\(server)", reason: connectError())
        }
        do {
            try execute(Self.setUp(configuration))
        } catch .lost(let reason) {
            throw .unreachable(server: "\(server)", reason: reason)
        }
    }

    deinit {
        cpostgresql_finish(handle)
    }

    private static func connect(
        _ server: ServerURL, _ configuration: Configuration
    ) -> OpaquePointer? {
        let pairs = [
            // The URL may say otherwise.
            ("connect_timeout", String(configuration.connectTimeout)),
            ("fallback_application_name", configuration.applicationName),
            // A host that is gone shows within 11 s while waiting, and within 10 s while sending.
            ("keepalives_idle", "5"), ("keepalives_interval", "2"), ("keepalives_count", "3"),
            ("tcp_user_timeout", "10000"),
            ("dbname", server.string),
            ("client_encoding", "UTF8"),
        ]
        return withCStrings(pairs.map(\.0)) { keywords in
            withCStrings(pairs.map(\.1)) { values in
                cpostgresql_connect(keywords, values, Int32(pairs.count))
            }
        }
    }

    private static func withCStrings<Result>(
        _ strings: [String], _ body: ([UnsafePointer<CChar>?]) -> Result
    ) -> Result {
        func next(_ index: Int, _ pointers: [UnsafePointer<CChar>?]) -> Result {
            if index == strings.count { return body(pointers) }
            return strings[index].withCString { next(index + 1, pointers + [$0]) }
        }
        return next(0, [])
    }

    /// A bounded idle time in a transaction: a process that is stopped must not hold its locks.
    private static func setUp(_ configuration: Configuration) -> String {
        let settings =
            [
                ("statement_timeout", "\(configuration.statementTimeout)"),
                ("idle_in_transaction_session_timeout", "60000"),
                ("default_transaction_isolation", "'read committed'"),
            ] + configuration.settings
        return settings.map { "SET \($0.0) = \($0.1)" }.joined(separator: "; ")
    }

    /// What libpq says of an attempt to connect. Only messages of kinds that name a host and a
    /// user at most: others quote what they could not read, which may be the password.
    private func connectError() -> String {
        let message = String(cString: cpostgresql_error_message(handle))
            .split(separator: "\n").map { $0.drop { $0 == "\t" || $0 == " " } }
            .joined(separator: ", ")
        let harmless = ["connection to server ", "could not translate host name "]
        return harmless.contains { message.hasPrefix($0) }
            ? message : "libpq does not take what the URL says"
    }

    // MARK: Statements

    /// What the server said of itself when it was connected to, such as `server_encoding`.
    package func parameter(_ name: String) -> String? {
        cpostgresql_parameter_status(handle, name).map { String(cString: $0) }
    }

    /// Executes statements without parameters, several with `;` between them; rows are dropped.
    package func execute(_ sql: String) throws(PostgreSQLError) {
        _ = try answer(sent: cpostgresql_send_query(handle, sql), sql)
    }

    /// Executes one statement.
    ///
    /// - Returns: How many rows it inserted, changed, deleted or read.
    @discardableResult
    package func run(_ sql: String, _ values: [Value] = []) throws(PostgreSQLError) -> Int {
        try result(sql, values).affected
    }

    /// All rows, as what `transform` makes of each.
    package func rows<Element>(
        _ sql: String, _ values: [Value] = [], _ transform: (borrowing Row) throws -> Element
    ) throws -> [Element] {
        let result = try result(sql, values)
        return try (0..<result.count).map { try transform(Row(result, $0)) }
    }

    /// The first row; nil when there is none.
    package func first<Element>(
        _ sql: String, _ values: [Value] = [], _ transform: (borrowing Row) throws -> Element
    ) throws -> Element? {
        let result = try result(sql, values)
        return result.count == 0 ? nil : try transform(Row(result, 0))
    }

    private func result(_ sql: String, _ values: [Value]) throws(PostgreSQLError) -> ResultSet {
        let name = try prepared(sql)
        var bytes: [UInt8] = []
        var lengths: [Int32] = []
        for value in values { lengths.append(value.encode(into: &bytes)) }
        let sent = cpostgresql_send_query_prepared(
            handle, name, Int32(values.count), bytes, lengths)
        return try answer(sent: sent, sql)
    }

    /// - Returns: The statement's name at the server.
    private func prepared(_ sql: String) throws(PostgreSQLError) -> String {
        if let name = statements[sql] { return name }
        let isKept = statements.count < Self.cachedStatementsMax
        let name = isKept ? "s\(statements.count)" : ""
        _ = try answer(sent: cpostgresql_send_prepare(handle, name, sql), sql)
        if isKept { statements[sql] = name }
        return name
    }

    /// Waits for the answer to what was sent, to its end.
    ///
    /// - Returns: The last of several.
    private func answer(sent: Int32, _ sql: String) throws(PostgreSQLError) -> ResultSet {
        if sent == 0 {
            isLost = true
            throw .lost(reason: "it was closed")
        }
        var last: ResultSet?
        var failure: PostgreSQLError?
        while true {
            if cpostgresql_await(handle, Int32(clamping: patience)) == 0 {
                isLost = true
                throw .lost(reason: "no answer in \(patience) ms")
            }
            guard let result = cpostgresql_get_result(handle) else { break }
            last = ResultSet(result)
            failure = failure ?? last?.error(sql)
        }
        if Int(cpostgresql_status(handle)) != CPOSTGRESQL_CONNECTION_OK {
            isLost = true
            if failure?.isLost != true { failure = .lost(reason: "the server closed it") }
        }
        if let failure {
            isLost = isLost || failure.isLost
            throw failure
        }
        guard let last else { throw .lost(reason: "no answer") }
        return last
    }

    // MARK: Transactions

    /// Commits what `body` did; rolls it back when it throws.
    package func transaction<Result>(_ body: () throws -> Result) throws -> Result {
        try execute("BEGIN")
        return try finishing(body)
    }

    /// From behind BEGIN.
    func finishing<Result>(_ body: () throws -> Result) throws -> Result {
        do {
            let result = try body()
            // In a transaction that has failed, COMMIT rolls back and is content.
            precondition(
                Int(cpostgresql_transaction_status(handle)) != CPOSTGRESQL_TRANSACTION_FAILED,
                "a statement's error was not passed on")
            try execute("COMMIT")
            return result
        } catch {
            if !isLost, Int(cpostgresql_transaction_status(handle)) != CPOSTGRESQL_TRANSACTION_IDLE
            {
                try execute("ROLLBACK")
            }
            throw error
        }
    }

    /// Runs `body` without a limit of time for its statements.
    func patiently<Result>(_ body: () throws -> Result) throws -> Result {
        let before = patience
        patience = Int(Int32.max)
        defer { patience = before }
        return try body()
    }
}
