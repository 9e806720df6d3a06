import Glibc
import Logging
import Testing

@testable import PeerDaemon

@Suite("Configuration")
struct PeerConfigurationTests {
    /// Loads `json` as `peer.json` of a directory of its own; faults have the path cut to the name.
    private func load(
        _ json: String?, dropIns: [String: String] = [:], environment: [String: String] = [:],
        arguments: [String: String] = [:]
    ) throws -> (PeerConfiguration?, faults: [String]) {
        let directory = try TemporaryDirectory()
        if let json { try directory.write("peer.json", json) }
        for (name, text) in dropIns { try directory.write("peer.d/\(name)", text) }
        do throws(ConfigurationFaults) {
            let configuration = try PeerConfiguration.load(
                file: json == nil ? nil : "\(directory.path)/peer.json", environment: environment,
                arguments: arguments, surroundings: .none)
            return (configuration, [])
        } catch {
            return (
                nil,
                error.faults.map { $0.description.replacing("\(directory.path)/", with: "") }
            )
        }
    }

    private func valid(
        _ json: String?, dropIns: [String: String] = [:], environment: [String: String] = [:],
        arguments: [String: String] = [:]
    ) throws -> PeerConfiguration {
        let (configuration, faults) = try load(
            json, dropIns: dropIns, environment: environment, arguments: arguments)
        #expect(faults == [])
        return try #require(configuration)
    }

    @Test("An empty object is all defaults")
    func defaults() throws {
        let configuration = try valid("{}")
        #expect(configuration == PeerConfiguration(surroundings: .none))
        #expect(configuration.restPort == 8001)
        #expect(configuration.healthCheckInterval == .seconds(30))
        #expect(configuration.requestsPerMinute == 600)
        #expect(configuration.downloadsPerMinute == 120)
        #expect(configuration.selfURL(restPort: 8001) == "http://127.0.0.1:8001")
    }

    @Test("A file of the original system is taken as it is")
    func originalFile() throws {
        let configuration = try valid(
            """
            {"name": "peer1", "rest_port": 8001, "grpc_port": 50051, "metrics_port": 9001,
             "shared_dir": "./shared1", "friend_primary": "http://127.0.0.1:8002/",
             "friend_secondary": "", "self_url": "http://127.0.0.1:8001", "search_ttl": 3,
             "max_fanout": 3, "ip": "127.0.0.1", "health_check_interval": 1.5,
             "rate_limit": {"requests_per_minute": 60, "downloads_per_minute": 10}}
            """)
        #expect(configuration.name == "peer1")
        #expect(configuration.friendPrimary == "http://127.0.0.1:8002")
        #expect(configuration.friendSecondary == nil)
        #expect(configuration.healthCheckInterval == .milliseconds(1500))
        #expect(configuration.requestsPerMinute == 60)
        #expect(configuration.sharedDirectory == "./shared1")
    }

    @Test("Later layers win key by key")
    func layers() throws {
        let configuration = try valid(
            #"{"name": "file", "search_ttl": 1, "max_fanout": 1, "rest_port": 1}"#,
            dropIns: [
                "20.json": #"{"search_ttl": 3, "rate_limit": {"requests_per_minute": 5}}"#,
                "10.json": #"{"search_ttl": 2, "max_fanout": 2}"#, "ignored.txt": "{",
            ],
            environment: [
                "P2P_MAX_FANOUT": "7", "P2P_RATE_LIMIT_DOWNLOADS_PER_MINUTE": "9",
                "P2P_EXCLUDE": "*.iso,*.bak", "P2P_SEARCH_TIMEOUT": "0.5",
                "P2P_FRIEND_PRIMARY": "", "P2PADM_SOCKET": "/x", "P2P_SERVICE_HOST": "10.0.0.1",
            ],
            arguments: ["rest_port": "0", "log_level": "debug"])
        #expect(configuration.name == "file")
        #expect(configuration.searchTTL == 3)
        #expect(configuration.requestsPerMinute == 5)
        #expect(configuration.maxFanout == 7)
        #expect(configuration.downloadsPerMinute == 9)
        #expect(configuration.exclude == ["*.iso", "*.bak"])
        #expect(configuration.searchTimeout == .milliseconds(500))
        #expect(configuration.restPort == 0)
        #expect(configuration.logLevel == .debug)
    }

    @Test("All faults of all layers are reported at once, each with its place")
    func allFaults() throws {
        let (_, faults) = try load(
            """
            {
              "rest_port": "80a",
              "rset_port": 1,
              "rate_limit": {"requests_per_minut": 1,
                             "downloads_per_minute": -1}
            }
            """,
            dropIns: ["a.json": "{\"log_level\": \"loud\"}", "b.json": "{\n  \"name\" \"x\"}"],
            environment: ["P2P_GRPC_PORT": "http", "P2P_RESTPORT": "1"],
            arguments: ["ip": "not an address"])
        #expect(
            faults == [
                #"peer.json:2: rest_port: found "80a", expected a port, 0-65535"#,
                "peer.json:3: rset_port: found an unknown key, expected a known one "
                    + "(did you mean `rest_port`?)",
                "peer.json:4: rate_limit.requests_per_minut: found an unknown key, expected "
                    + "a known one (did you mean `rate_limit.requests_per_minute`?)",
                "peer.json:5: rate_limit.downloads_per_minute: found -1, expected a whole "
                    + "number, 0-1000000",
                #"peer.d/a.json:1: log_level: found "loud", expected one of trace, debug, info, "#
                    + "notice, warning, error, critical",
                #"peer.d/b.json:2:10: found """, expected ":""#,
                #"environment variable P2P_GRPC_PORT: grpc_port: found "http", "#
                    + "expected a port, 0-65535",
                "environment variable P2P_RESTPORT: found an unknown variable, expected a known "
                    + "one (did you mean `P2P_REST_PORT`?)",
                #"command line: ip: found "not an address", expected an address or host name"#,
            ])
    }

    @Test(
        "Wrong values are faults",
        arguments: [
            #"{"rest_port": 65536}"#, #"{"rest_port": -1}"#, #"{"rest_port": 80.5}"#,
            #"{"rest_port": "8001"}"#, #"{"rest_port": true}"#, #"{"rest_port": null}"#,
            #"{"rest_port": 1e999}"#, #"{"name": ""}"#, #"{"name": "a\nb"}"#, #"{"name": 1}"#,
            #"{"shared_dir": ""}"#, #"{"shared_dir": "a\u0000b"}"#, #"{"self_url": "localhost"}"#,
            #"{"self_url": "ftp://a"}"#, #"{"self_url": "http://"}"#,
            #"{"self_url": "http://a:0"}"#, #"{"self_url": "http://a:99999"}"#,
            #"{"self_url": "http://a?x=1"}"#, #"{"self_url": "http://u:p@a"}"#,
            #"{"self_url": "http://a b"}"#, #"{"friend_primary": "http://[::1"}"#,
            #"{"bind_address": "localhost"}"#, #"{"health_check_interval": 0}"#,
            #"{"health_check_interval": "30"}"#, #"{"rate_limit": 5}"#, #"{"exclude": "*.tmp"}"#,
            #"{"exclude": [1]}"#, #"{"search_ttl": 1000}"#, #"{"log_level": "INFO"}"#,
            #"{"rest_port": 7, "grpc_port": 7}"#, #"{"rest_port": 50051}"#, "[]", "", "{",
            #"{"name": "a", "name": "b"}"#, #"{"name": "a",}"#, "{} x",
        ])
    func wrongValues(json: String) throws {
        let (configuration, faults) = try load(json)
        #expect(configuration == nil)
        #expect(faults.count == 1, "\(faults)")
        #expect(faults.first?.contains("found ") == true)
    }

    @Test(
        "URLs are kept in one form",
        arguments: [
            ("HTTP://Host:8001//", "http://host:8001"), ("https://a.b/Path/", "https://a.b/Path"),
            ("http://[::1]:8001", "http://[::1]:8001"), ("http://10.0.0.1", "http://10.0.0.1"),
        ])
    func urls(text: String, expected: String) {
        #expect(HTTPBaseURL.normalized(text) == expected)
    }

    @Test("Secrets are not shown")
    func secrets() throws {
        let (_, faults) = try load(#"{"friend_primary": "gopher://me:hunter2@host"}"#)
        #expect(faults.count == 1)
        #expect(!faults.description.contains("hunter2"))
        #expect(
            Fault.show(.string("hunter2"), of: "directory.password") == "a value that is not shown")
        #expect(Fault.show(.string("hunter2"), of: "api_token") == "a value that is not shown")
    }

    @Test("A value from outside cannot forge a line or fill the terminal")
    func shownValues() {
        let shown = Fault.show(.string("a\nb\u{1b}" + String(repeating: "x", count: 999)), of: "k")
        #expect(shown.hasPrefix(#""a\u{a}b\u{1b}xxx"#))
        #expect(shown.count < 120)
    }

    @Test("A file that is missing, too big, a directory or not UTF-8 is a fault")
    func unreadable() throws {
        let directory = try TemporaryDirectory()
        try directory.write("big.json", String(repeating: " ", count: 1 << 20) + "{}")
        for name in ["absent.json", "big.json", ""] {
            let faults = #expect(throws: ConfigurationFaults.self) {
                try PeerConfiguration.load(
                    file: "\(directory.path)/\(name)", environment: [:], surroundings: .none)
            }
            #expect(faults?.faults.count == 1)
            #expect(faults?.startupFailure.code == .configuration)
        }
    }

    @Test("Without a file there are environment and arguments")
    func noFile() throws {
        #expect(try valid(nil, environment: ["P2P_NAME": "x"]).name == "x")
    }

    @Test("The URL of this peer follows the bound port and brackets IPv6")
    func selfURL() throws {
        let configuration = try valid(#"{"ip": "fd00::1", "rest_port": 0}"#)
        #expect(configuration.selfURL(restPort: 40123) == "http://[fd00::1]:40123")
        let set = try valid(#"{"self_url": "http://me.example/"}"#)
        #expect(set.selfURL(restPort: 1) == "http://me.example")
    }

    @Test("Differences say which changes a reload puts into effect")
    func differences() throws {
        let old = try valid("{}")
        let new = try valid(
            #"{"rest_port": 9, "search_ttl": 4, "rate_limit": {"requests_per_minute": 1}}"#)
        #expect(old.differences(from: old) == [])
        #expect(
            new.differences(from: old) == [
                .init(key: "rest_port", old: "8001", new: "9", live: false),
                .init(key: "search_ttl", old: "3", new: "4", live: true),
                .init(key: "rate_limit.requests_per_minute", old: "600", new: "1", live: true),
            ])
    }

    @Test("The live keys are these and no others")
    func liveKeys() {
        #expect(
            Set(ConfigurationKey.all.filter(\.live).map(\.path)) == [
                "friend_primary", "friend_secondary", "search_ttl", "max_fanout",
                "health_check_interval", "rate_limit.requests_per_minute",
                "rate_limit.downloads_per_minute", "log_level", "search_timeout",
                "accept_uploads", "uploads.file_bytes_max", "uploads.free_bytes_min",
            ])
    }

    @Test("Every key's own rendering of its default is accepted", arguments: ConfigurationKey.all)
    func defaultsAreValid(key: ConfigurationKey) throws {
        let defaults = PeerConfiguration(surroundings: .none)
        var copy = defaults
        let text = key.render(defaults)
        #expect(key.apply(key.parseText(text), &copy))
        #expect(copy == defaults)
        #expect(ConfigurationKey.helpText.contains(key.environmentName))
        #expect(key.environmentName.allSatisfy { $0.isUppercase || $0.isNumber || $0 == "_" })
    }

    @Test("The host's surroundings are found")
    func surroundings() async {
        let found = await Surroundings.current(environment: [
            "STATE_DIRECTORY": "/var/lib/a:/var/lib/b", "RUNTIME_DIRECTORY": "/run/a",
        ])
        #expect(found.stateDirectory == "/var/lib/a")
        #expect(found.runtimeDirectory == "/run/a")
        #expect(!found.hostName.isEmpty)
        #expect(ValueKind.address.parse(.string(found.address)) != nil)
    }

    @Test("Directories are told apart: there, missing, not a directory, not permitted")
    func directories() throws {
        let directory = try TemporaryDirectory()
        try directory.write("file", "")
        var configuration = PeerConfiguration(surroundings: .none)
        configuration.sharedDirectory = directory.path
        configuration.stateDirectory = "\(directory.path)/state"
        try configuration.checkDirectories()
        try configuration.checkDirectories()

        func code(_ shared: String) -> ExitCode? {
            configuration.sharedDirectory = shared
            do throws(StartupFailure) {
                try configuration.checkDirectories()
                return nil
            } catch {
                #expect(error.message.hasPrefix("shared_dir: \(shared)"))
                return error.code
            }
        }
        #expect(code("\(directory.path)/absent") == .noInput)
        #expect(code("\(directory.path)/file") == .noInput)
        mkdir("\(directory.path)/closed", 0)
        // root may read everything.
        #expect(code("\(directory.path)/closed") == (geteuid() == 0 ? nil : .noPermission))
        #expect(
            StartupFailure.portInUse(key: "rest_port", address: "::", port: 1).code.rawValue == 69)
        #expect(StartupFailure.system("x", errno: EIO).code.rawValue == 71)
    }

    @Test(
        "The nearest word is found, and none where none is near",
        arguments: [
            ("rest_prot", "rest_port"), ("port", nil), ("loglevel", "log_level"),
            ("completely_different_thing", nil),
        ])
    func nearest(word: String, expected: String?) {
        let found = EditDistance.nearest(to: word, among: ["rest_port", "log_level", "ip"])
        #expect(found == expected)
    }
}
