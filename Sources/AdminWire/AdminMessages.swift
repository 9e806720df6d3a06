/// The types of org.p2ppeer.Admin (`Sources/AdminWire/org.p2ppeer.Admin.varlink`), field for field.
///
/// Words of its enumerations stay strings: a newer daemon may say one that this program has not
/// heard of, and it is shown as it is. Members are named as they are on the wire.
// swift-format-ignore: AlwaysUseLowerCamelCase
package enum Admin {
    package static let interface = "org.p2ppeer.Admin"

    package struct Peer: Codable, Equatable, Sendable {
        package var url: String
        package var name: String?
        package var id: String?
        package var version: String?
        package var grpc: String?
        package var state: String
        /// Milliseconds since 1970, as all instants here.
        package var since: Int
        package var `protocol`: String
        package var friend: Bool
        /// Microseconds.
        package var round_trip_us: Int?
        package var files: Int?
        package var bytes: Int?
        package var reason: String?
        package var neighbour: Bool?

        package init(
            url: String, name: String? = nil, id: String? = nil, version: String? = nil,
            grpc: String? = nil, state: String, since: Int, `protocol`: String, friend: Bool,
            round_trip_us: Int? = nil, files: Int? = nil, bytes: Int? = nil,
            reason: String? = nil, neighbour: Bool? = nil
        ) {
            self.neighbour = neighbour
            self.url = url
            self.name = name
            self.id = id
            self.version = version
            self.grpc = grpc
            self.state = state
            self.since = since
            self.protocol = `protocol`
            self.friend = friend
            self.round_trip_us = round_trip_us
            self.files = files
            self.bytes = bytes
            self.reason = reason
        }
    }

    package struct File: Codable, Equatable, Sendable {
        package var path: String
        package var name: String
        package var type: String
        package var size: Int
        package var modified: Int
        package var sha256: String?

        package init(
            path: String, name: String, type: String, size: Int, modified: Int,
            sha256: String? = nil
        ) {
            self.path = path
            self.name = name
            self.type = type
            self.size = size
            self.modified = modified
            self.sha256 = sha256
        }
    }

    package struct Answer: Codable, Equatable, Sendable {
        package var peer: String
        package var url: String
        package var id: String?
        package var grpc: String?
        package var files: [File]
        package var via: String?

        package init(
            peer: String, url: String, id: String? = nil, grpc: String? = nil, files: [File],
            via: String? = nil
        ) {
            self.via = via
            self.peer = peer
            self.url = url
            self.id = id
            self.grpc = grpc
            self.files = files
        }
    }

    package struct Failure: Codable, Equatable, Sendable {
        package var url: String
        package var reason: String

        package init(url: String, reason: String) {
            self.url = url
            self.reason = reason
        }
    }

    package struct Coverage: Codable, Equatable, Sendable {
        package var reached: Int
        package var known: Int
        package var failed: [Failure]
        package var duplicates: Int
        package var truncated: Bool
        package var elapsed_ms: Int
        package var directory: String?

        package init(
            reached: Int, known: Int, failed: [Failure], duplicates: Int, truncated: Bool,
            elapsed_ms: Int, directory: String? = nil
        ) {
            self.directory = directory
            self.reached = reached
            self.known = known
            self.failed = failed
            self.duplicates = duplicates
            self.truncated = truncated
            self.elapsed_ms = elapsed_ms
        }
    }

    package struct Ports: Codable, Equatable, Sendable {
        package var rest: Int
        package var grpc: Int
        package var metrics: Int

        package init(rest: Int, grpc: Int, metrics: Int) {
            self.rest = rest
            self.grpc = grpc
            self.metrics = metrics
        }
    }

    package struct Catalog: Codable, Equatable, Sendable {
        package var files: Int
        package var bytes: Int
        package var hashed: Int
        package var state: String
        package var watching: Bool
        package var detail: String?

        package init(
            files: Int, bytes: Int, hashed: Int, state: String, watching: Bool,
            detail: String? = nil
        ) {
            self.files = files
            self.bytes = bytes
            self.hashed = hashed
            self.state = state
            self.watching = watching
            self.detail = detail
        }
    }

    package struct Transfers: Codable, Equatable, Sendable {
        package var active: Int
        package var done: Int
        package var failed: Int
        package var bytes_received: Int
        package var bytes_sent: Int

        package init(active: Int, done: Int, failed: Int, bytes_received: Int, bytes_sent: Int) {
            self.active = active
            self.done = done
            self.failed = failed
            self.bytes_received = bytes_received
            self.bytes_sent = bytes_sent
        }
    }

    package struct Progress: Codable, Equatable, Sendable {
        package var state: String
        package var path: String
        package var size: Int?
        package var received: Int
        package var resumed: Int
        package var source: String?
        package var sha256: String?
        package var elapsed_ms: Int

        package init(
            state: String, path: String, size: Int? = nil, received: Int, resumed: Int,
            source: String? = nil, sha256: String? = nil, elapsed_ms: Int
        ) {
            self.state = state
            self.path = path
            self.size = size
            self.received = received
            self.resumed = resumed
            self.source = source
            self.sha256 = sha256
            self.elapsed_ms = elapsed_ms
        }
    }

    package struct Status: Codable, Equatable, Sendable {
        package var name: String
        package var id: String
        package var version: String
        package var url: String
        package var pid: Int
        package var uptime_ms: Int
        package var config_file: String
        package var shared_dir: String
        package var state_dir: String
        package var ports: Ports
        package var catalog: Catalog
        package var peers_alive: Int
        package var peers_known: Int
        package var transfers: Transfers
        package var directory: Directory?
        package var login: Login?

        package init(
            name: String, id: String, version: String, url: String, pid: Int, uptime_ms: Int,
            config_file: String, shared_dir: String, state_dir: String, ports: Ports,
            catalog: Catalog, peers_alive: Int, peers_known: Int, transfers: Transfers,
            directory: Directory? = nil, login: Login? = nil
        ) {
            self.login = login
            self.name = name
            self.id = id
            self.version = version
            self.url = url
            self.pid = pid
            self.uptime_ms = uptime_ms
            self.config_file = config_file
            self.shared_dir = shared_dir
            self.state_dir = state_dir
            self.ports = ports
            self.catalog = catalog
            self.peers_alive = peers_alive
            self.peers_known = peers_known
            self.transfers = transfers
            self.directory = directory
        }
    }

    package struct Peers: Codable, Sendable {
        package var peers: [Peer]

        package init(peers: [Peer]) {
            self.peers = peers
        }
    }

    package struct FilesQuery: Codable, Sendable {
        package var query: String?
        package var after: String?
        package var limit: Int?
        package var peer: String?

        package init(
            query: String? = nil, after: String? = nil, limit: Int? = nil, peer: String? = nil
        ) {
            self.query = query
            self.after = after
            self.limit = limit
            self.peer = peer
        }
    }

    package struct Files: Codable, Sendable {
        package var files: [File]
        package var continues: Bool

        package init(files: [File], continues: Bool) {
            self.files = files
            self.continues = continues
        }
    }

    package struct SearchQuery: Codable, Sendable {
        package var query: String
        package var fanout: Int?
        package var ttl: Int?
        package var timeout_ms: Int?
        package var via: String?

        package init(
            query: String, fanout: Int? = nil, ttl: Int? = nil, timeout_ms: Int? = nil,
            via: String? = nil
        ) {
            self.via = via
            self.query = query
            self.fanout = fanout
            self.ttl = ttl
            self.timeout_ms = timeout_ms
        }
    }

    package struct SearchReply: Codable, Sendable {
        package var answers: [Answer]
        package var coverage: Coverage?

        package init(answers: [Answer], coverage: Coverage? = nil) {
            self.answers = answers
            self.coverage = coverage
        }
    }

    package struct GetQuery: Codable, Sendable {
        package var path: String?
        package var peer: String?
        package var sha256: String?
        package var force: Bool?
        package var output: Int?

        package init(
            path: String? = nil, peer: String? = nil, sha256: String? = nil, force: Bool? = nil,
            output: Int? = nil
        ) {
            self.path = path
            self.peer = peer
            self.sha256 = sha256
            self.force = force
            self.output = output
        }
    }

    package struct GetReply: Codable, Sendable {
        package var progress: Progress

        package init(progress: Progress) {
            self.progress = progress
        }
    }

    package struct Bootstrap: Codable, Equatable, Sendable {
        package var registered: [String]
        package var failed: [Failure]
        package var known: [String]

        package init(registered: [String], failed: [Failure], known: [String]) {
            self.registered = registered
            self.failed = failed
            self.known = known
        }
    }

    package struct Reload: Codable, Equatable, Sendable {
        package var changed: [String]
        package var needs_restart: [String]

        package init(changed: [String], needs_restart: [String]) {
            self.changed = changed
            self.needs_restart = needs_restart
        }
    }

    package struct Rescan: Codable, Equatable, Sendable {
        package var files: Int
        package var bytes: Int
        package var added: Int
        package var changed: Int
        package var removed: Int

        package init(files: Int, bytes: Int, added: Int, changed: Int, removed: Int) {
            self.files = files
            self.bytes = bytes
            self.added = added
            self.changed = changed
            self.removed = removed
        }
    }

    package struct Directory: Codable, Equatable, Sendable {
        package var store: String
        package var peers: Int?
        package var accounts: Int?
        package var files: Int?

        package init(store: String, peers: Int? = nil, accounts: Int? = nil, files: Int? = nil) {
            self.store = store
            self.peers = peers
            self.accounts = accounts
            self.files = files
        }
    }

    package struct Login: Codable, Equatable, Sendable {
        package var account: String
        package var state: String
        package var url: String?
        package var since: Int?
        package var files: Int?
        package var reason: String?

        package init(
            account: String, state: String, url: String? = nil, since: Int? = nil,
            files: Int? = nil, reason: String? = nil
        ) {
            self.account = account
            self.state = state
            self.url = url
            self.since = since
            self.files = files
            self.reason = reason
        }
    }

    package struct User: Codable, Equatable, Sendable {
        package var name: String
        package var disabled: Bool
        package var logged_in: Bool

        package init(name: String, disabled: Bool, logged_in: Bool) {
            self.name = name
            self.disabled = disabled
            self.logged_in = logged_in
        }
    }

    package struct UsersQuery: Codable, Sendable {
        package var after: String?
        package var limit: Int?

        package init(after: String? = nil, limit: Int? = nil) {
            self.after = after
            self.limit = limit
        }
    }

    package struct Users: Codable, Sendable {
        package var users: [User]
        package var continues: Bool

        package init(users: [User], continues: Bool) {
            self.users = users
            self.continues = continues
        }
    }

    /// Of AddUser and SetPassword; shows no password to who prints it.
    package struct NewUser: Codable, Sendable, CustomStringConvertible, CustomReflectable {
        package var name: String
        package var password: String

        package init(name: String, password: String) {
            self.name = name
            self.password = password
        }

        package var description: String { name }
        package var customMirror: Mirror { Mirror(self, children: ["name": name]) }
    }

    package struct UserName: Codable, Sendable {
        package var name: String

        package init(name: String) {
            self.name = name
        }
    }

    package struct UserChange: Codable, Equatable, Sendable {
        package var logged_out: Bool

        package init(logged_out: Bool) {
            self.logged_out = logged_out
        }
    }
}
