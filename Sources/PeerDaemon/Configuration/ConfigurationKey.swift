import Logging

/// One key of the configuration: the row of a table from which validation, environment names,
/// `--help` and peer.json(5) come.
package struct ConfigurationKey: Sendable {
    /// `rate_limit.requests_per_minute`: a dot enters an object.
    package let path: String
    /// What it takes, for people: "a port, 0-65535".
    package let expected: String
    /// Its default, for people.
    package let defaultText: String
    /// Whether a reload puts a change into effect; the others need a restart.
    package let live: Bool
    package let summary: String

    /// Puts a value in place; false where it is not as expected.
    let apply: @Sendable (JSONValue, inout PeerConfiguration) -> Bool
    /// The JSON that a text from the environment or the command line stands for.
    let parseText: @Sendable (String) -> JSONValue
    let render: @Sendable (PeerConfiguration) -> String
    /// Not by what is shown: two passwords look the same.
    let isEqual: @Sendable (PeerConfiguration, PeerConfiguration) -> Bool

    /// `P2P_RATE_LIMIT_REQUESTS_PER_MINUTE`.
    package var environmentName: String {
        "P2P_" + path.uppercased().replacing(".", with: "_")
    }

    /// The option of the command line without its dashes: `rate-limit-requests-per-minute`.
    package var optionName: String {
        path.replacing(".", with: "-").replacing("_", with: "-")
    }

    static func key<Value>(
        _ path: String, _ kind: ValueKind<Value>,
        _ field: any WritableKeyPath<PeerConfiguration, Value> & Sendable,
        default text: String? = nil, live: Bool = false, _ summary: String
    ) -> ConfigurationKey {
        let builtIn = PeerConfiguration(surroundings: .none)[keyPath: field]
        return ConfigurationKey(
            path: path, expected: kind.expected, defaultText: text ?? kind.render(builtIn),
            live: live, summary: summary,
            apply: { value, configuration in
                guard let parsed = kind.parse(value) else { return false }
                configuration[keyPath: field] = parsed
                return true
            },
            parseText: kind.parseText, render: { kind.render($0[keyPath: field]) },
            isEqual: { $0[keyPath: field] == $1[keyPath: field] })
    }

    /// Every key. Limits without a source are guesses, wide enough to be in nobody's way.
    package static let all: [ConfigurationKey] = [
        key("name", .name, \.name, default: "the host's name", "The peer's name."),
        key("rest_port", .port, \.restPort, "Port of the REST API; 0 takes a free one."),
        key("grpc_port", .port, \.grpcPort, "Port of the gRPC services; 0 takes a free one."),
        key("metrics_port", .port, \.metricsPort, "Port of /metrics; 0 takes a free one."),
        key("shared_dir", .path, \.sharedDirectory, "The directory that is shared."),
        key(
            "friend_primary", .optionalURL, \.friendPrimary, default: "none", live: true,
            "REST URL of the peer to join through."),
        key(
            "friend_secondary", .optionalURL, \.friendSecondary, default: "none", live: true,
            "REST URL of the peer that stands in for the first."),
        key(
            "self_url", .optionalURL, \.configuredSelfURL, default: "http://IP:REST_PORT",
            "REST URL under which others reach this peer."),
        key(
            "search_ttl", .count(0...16), \.searchTTL, live: true,
            "Hops of a search that names no TTL."),
        key(
            "max_fanout", .count(1...64), \.maxFanout, live: true,
            "Most neighbours that one hop of a search asks."),
        key(
            "ip", .host, \.ip, default: "the host's address towards the default route",
            "Address in links to this peer."),
        key(
            "health_check_interval", .seconds(0.05...86400), \.healthCheckInterval, live: true,
            "Seconds between checks of a neighbour."),
        key(
            "rate_limit.requests_per_minute", .count(0...1_000_000), \.requestsPerMinute,
            live: true, "Requests a minute from one address; 0: no limit."),
        key(
            "rate_limit.downloads_per_minute", .count(0...1_000_000), \.downloadsPerMinute,
            live: true, "Downloads a minute by one address; 0: no limit."),
        key(
            "state_dir", .path, \.stateDirectory,
            default: "$STATE_DIRECTORY or /var/lib/p2p-peer", "What must survive a restart."),
        key(
            "admin_socket", .socketPath, \.adminSocket,
            default: "$RUNTIME_DIRECTORY/admin.sock or /run/p2p-peer/admin.sock",
            "Socket that p2padm talks to."),
        key(
            "bind_address", .address, \.bindAddress,
            "Address of the three ports; :: is all, of both families."),
        key("log_level", .logLevel, \.logLevel, live: true, "Least severe messages logged."),
        key("exclude", .globs, \.exclude, "Names that are not shared."),
        key(
            "rescan_interval", .seconds(1...604800), \.rescanInterval,
            "Seconds between full scans, the net under the watch for changes."),
        key(
            "search_timeout", .seconds(0.05...300), \.searchTimeout, live: true,
            "Seconds after which a search answers with what it has."),
        key(
            "accept_uploads", .flag, \.acceptsUploads, live: true,
            "Whether clients of the gRPC service peer.PeerService may put files here."),
        key(
            "uploads.file_bytes_max", .count(1...1_000_000_000_000_000), \.uploadBytesMax,
            live: true,
            "Bytes of the largest file that may be uploaded."),
        key(
            "uploads.free_bytes_min", .count(0...1_000_000_000_000_000), \.uploadFreeBytesMin,
            live: true,
            "Bytes that uploads leave free on the disk of the shared directory."),
        key(
            "directory.serve", .flag, \.directory.serve,
            "Whether this daemon is a directory: others log in to it, and ask it who has what."),
        key(
            "directory.store", .store, \.directory.store,
            "Where a directory keeps what it knows: sqlite is a file in state_dir."),
        key(
            "directory.url", .urls, \.directory.urls, default: "none",
            "REST URL of the directory to log in to; several are tried in turn."),
        key(
            "directory.username", .optional(.name), \.directory.username,
            default: "the peer's name", "Account at the directory."),
        key(
            "directory.password_file", .optional(.path), \.directory.passwordFile,
            default: "the systemd credential directory-password",
            "File that holds the password of the account, and nothing else."),
        key(
            "directory.heartbeat_interval", .seconds(0.05...86400), \.directory.heartbeatInterval,
            "Seconds between two heartbeats of this peer to its directory."),
        key(
            "directory.lease", .seconds(0.1...604800), \.directory.lease,
            "Seconds after which this directory calls a silent peer inactive."),
    ]

    static let byPath = Dictionary(uniqueKeysWithValues: all.map { ($0.path, $0) })

    /// Objects that hold keys: `rate_limit`.
    static let groups = Set(all.compactMap { $0.path.split(separator: ".").dropLast().first })

    /// The part of `--help` that lists the keys, a few short lines for each, since nothing keeps
    /// the indentation of a line that has to be broken. man/generate reads it for peer.json(5).
    package static var helpText: String {
        all.map { key in
            """
              \(key.path)\(key.live ? ", live" : "")
                  \(key.summary)
                  Takes \(key.expected).
                  Default: \(key.defaultText)
                  Variable: \(key.environmentName)
            """
        }.joined(separator: "\n")
    }
}
