import Testing

@testable import PeerDaemon

@Suite("Configuration of the directory")
struct DirectoryConfigurationTests {
    @Test("Every key of the object")
    func object() throws {
        let directory = try LoadedConfiguration(
            """
            {"directory": {"serve": true, "store": "postgresql://u:p@h/db",
             "url": ["http://a:8000/", "http://b:8000"], "username": "me",
             "password_file": "@DIR@/secret", "heartbeat_interval": 5, "lease": 12.5}}
            """, files: ["secret": "hunter2\n"]
        ).valid.directory
        #expect(directory.serve)
        #expect(directory.store == ConnectionURL("postgresql://u:p@h/db").map { .postgresql($0) })
        #expect(directory.urls == ["http://a:8000", "http://b:8000"])
        #expect(directory.username == "me")
        #expect(directory.password?.value == "hunter2")
        #expect(directory.heartbeatInterval == .seconds(5))
        #expect(directory.lease == .milliseconds(12500))
    }

    @Test("Without an object there is no directory")
    func defaults() throws {
        let configuration = try LoadedConfiguration(#"{"name": "n"}"#).valid
        #expect(configuration.directory == DirectoryConfiguration())
        #expect(configuration.directoryUsername == "n")
        #expect(configuration.directory.store == .sqlite)
        #expect(configuration.restPort == 8001)
    }

    @Test("One URL is a list of one; variables have commas")
    func urls() throws {
        let one = try LoadedConfiguration(#"{"directory": {"url": "http://a"}}"#).valid
        #expect(one.directory.urls == ["http://a"])
        let none = try LoadedConfiguration(
            #"{"directory": {"url": "http://a"}}"#, environment: ["P2P_DIRECTORY_URL": ""]
        ).valid
        #expect(none.directory.urls == [])
        let served = try LoadedConfiguration(
            "{}", environment: ["P2P_DIRECTORY_SERVE": "true"]
        ).valid
        #expect(served.directory.serve)
    }

    @Test("A password comes from a file before a credential, and the later layer wins")
    func password() throws {
        let files = ["file": "of the file", "credentials/directory-password": "credential\n"]
        let credentials = ["CREDENTIALS_DIRECTORY": "@DIR@/credentials"]
        func password(_ json: String, _ environment: [String: String]) throws -> String? {
            try LoadedConfiguration(json, files: files, environment: environment).valid
                .directory.password?.value
        }
        #expect(try password("{}", [:]) == nil)
        #expect(try password("{}", credentials) == "credential")
        let file = #"{"directory": {"password_file": "@DIR@/file"}}"#
        #expect(try password(file, credentials) == "of the file")
        #expect(try password(#"{"password": "old"}"#, credentials) == "old")
        #expect(
            try password(
                #"{"password": "old"}"#, ["P2P_DIRECTORY_PASSWORD_FILE": "@DIR@/file"])
                == "of the file")
    }

    @Test(
        "Wrong values are faults that show no secret",
        arguments: [
            #"{"directory": {"serve": "yes"}}"#,
            #"{"directory": {"store": "mysql://u:hunter2@h"}}"#,
            #"{"directory": {"store": "host=h password=hunter2"}}"#, #"{"directory": {"url": 1}}"#,
            #"{"directory": {"url": ["http://a", ""]}}"#, #"{"directory": {"url": "a"}}"#,
            #"{"directory": {"username": 5}}"#, #"{"directory": {"password": "hunter2"}}"#,
            #"{"directory": {"password_file": "@DIR@/absent"}}"#,
            #"{"directory": {"password_file": "@DIR@/lines"}}"#,
            #"{"directory": {"password_file": "@DIR@"}}"#,
            #"{"directory": {"heartbeat_interval": 0}}"#, #"{"directory": {"lease": 30}}"#,
            #"{"directory": {"heartbeat_interval": 60}}"#, #"{"directory": []}"#,
            #"{"directory": {"user": ""}}"#,
        ])
    func wrongValues(json: String) throws {
        let loaded = try LoadedConfiguration(json, files: ["lines": "hunter2\nhunter2\n"])
        #expect(loaded.configuration == nil)
        #expect(loaded.faults.count == 1, "\(loaded.faults)")
        #expect(loaded.faults.first?.contains("directory") == true)
        #expect(!loaded.faults.description.contains("hunter2"))
    }

    @Test("A password in a variable is refused, and said where it belongs")
    func passwordInEnvironment() throws {
        let loaded = try LoadedConfiguration(
            "{}", environment: ["P2P_DIRECTORY_PASSWORD": "hunter2"])
        #expect(
            loaded.faults == [
                "environment variable P2P_DIRECTORY_PASSWORD: directory.password: found a password, "
                    + "expected directory.password_file, a file that holds it"
            ])
    }

    @Test(
        "A connection URL is shown without its password",
        arguments: [
            ("postgresql://h/db", "postgresql://h/db"),
            (
                "postgresql://u@h:5432/db?sslmode=require",
                "postgresql://u@h:5432/db?sslmode=require"
            ),
            ("postgresql://u:hunter2@h/db", "postgresql://u:***@h/db"),
            ("postgresql://u:hunter2@/db?host=/run", "postgresql://u:***@/db?host=/run"),
            ("postgres://u:hun@ter2/?x@h/db", "postgres://u:***@h/db"),
            ("postgresql:///db?host=/run/x", "postgresql:///db?host=/run/x"),
            ("postgresql:///db?Password=hunter2&a=b", "postgresql:///db?Password=***&a=b"),
            ("postgresql:///db?p%61ssword=hunter2", "postgresql:///db?p%61ssword=***"),
            ("postgresql:///db?password=hunter2@x", "postgresql:///db?password=***"),
        ])
    func redaction(url: String, expected: String) throws {
        let url = try #require(ConnectionURL(url))
        #expect("\(url)" == expected)
        #expect(!String(reflecting: url).contains("hunter2"))
    }

    @Test("Another password is a change, and no password is shown")
    func differences() throws {
        let old = try LoadedConfiguration(#"{"password": "hunter2"}"#).valid
        let new = try LoadedConfiguration(#"{"password": "hunter3"}"#).valid
        #expect(
            new.differences(from: old) == [
                ConfigurationChange(
                    key: "directory.password", old: "***", new: "***", live: false)
            ])
        var stored = old
        stored.directory.store =
            ConnectionURL("postgresql://u:a@h").map { .postgresql($0) } ?? .sqlite
        var restored = old
        restored.directory.store =
            ConnectionURL("postgresql://u:b@h").map { .postgresql($0) } ?? .sqlite
        #expect(restored.differences(from: stored).map(\.key) == ["directory.store"])
    }

    @Test("Without a password its user is told, unless there is no directory")
    func noPassword() throws {
        let inputs = DaemonInputs(
            configurationFile: nil, environment: [:], arguments: [:], version: "",
            surroundings: .none)
        func isTold(_ json: String) throws -> Bool {
            inputs.remarks(on: try LoadedConfiguration(json).valid).contains {
                $0.0 == .noDirectoryPassword
            }
        }
        #expect(try isTold(#"{"directory": {"url": "http://a"}}"#))
        #expect(try !isTold("{}"))
        #expect(try !isTold(#"{"password": "p", "api_url": "http://a"}"#))
        #expect(try !isTold(#"{"auth_enabled": false, "api_url": "http://a"}"#))
    }
}
