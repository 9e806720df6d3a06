import Testing

@testable import PeerDaemon

@Suite("Files of the original directory system")
struct SeedFileTests {
    private static let original = """
        {"peer_name": "Peer1", "ip": "127.0.0.1", "port": 50061, "directory": "./archivos1",
         "api_url": "http://127.0.0.1:8000/login",
         "api_search_url": "http://127.0.0.1:8000/buscar_archivos",
         "peer_urls": {"Peer2": "http://127.0.0.1:8002/", "Peer3": "127.0.0.1:50063"},
         "grpc_urls": {"Peer2": "127.0.0.1:50062", "Peer3": "127.0.0.1:50063"},
         "peer_amigo_titular": "Peer2", "peer_amigo_suplente": "127.0.0.1:50063",
         "password": "hunter2", "auth_enabled": true}
        """

    @Test("A file is taken as it is")
    func original() throws {
        let configuration = try LoadedConfiguration(Self.original).valid
        #expect(configuration.name == "Peer1")
        #expect(configuration.ip == "127.0.0.1")
        #expect(configuration.grpcPort == 50061)
        #expect(configuration.sharedDirectory == "./archivos1")
        #expect(configuration.directory.urls == ["http://127.0.0.1:8000"])
        #expect(configuration.directoryUsername == "Peer1")
        #expect(configuration.directory.password == Secret("hunter2"))
        #expect(configuration.directory.logsIn)
        #expect(!configuration.directory.serve)
        // It names no REST and no metrics port, and three of its kind share a host.
        #expect(configuration.restPort == 0)
        #expect(configuration.metricsPort == 0)
    }

    @Test("A friend is a REST URL, a name with one, or told as unusable")
    func friends() throws {
        let configuration = try LoadedConfiguration(Self.original).valid
        #expect(configuration.friendPrimary == "http://127.0.0.1:8002")
        #expect(configuration.friendSecondary == nil)
        #expect(configuration.friendsWithoutREST == ["127.0.0.1:50063"])
        let inputs = DaemonInputs(
            configurationFile: nil, environment: [:], arguments: [:], version: "",
            surroundings: .none)
        let remarks = inputs.remarks(on: configuration)
        #expect(remarks.map(\.error).contains("127.0.0.1:50063"))
    }

    @Test("Other layers go over it")
    func layers() throws {
        let configuration = try LoadedConfiguration(
            Self.original, files: ["peer.d/a.json": #"{"rest_port": 8101, "name": "other"}"#],
            environment: ["P2P_METRICS_PORT": "9101", "P2P_DIRECTORY_URL": "http://d:1,http://e:2"]
        ).valid
        #expect(configuration.restPort == 8101)
        #expect(configuration.metricsPort == 9101)
        #expect(configuration.name == "other")
        #expect(configuration.directory.urls == ["http://d:1", "http://e:2"])
    }

    @Test("What is not given is empty", arguments: ["null", #""""#])
    func empty(value: String) throws {
        let configuration = try LoadedConfiguration(
            """
            {"peer_name": "p", "api_url": \(value), "api_search_url": \(value),
             "peer_amigo_titular": \(value), "peer_amigo_suplente": \(value),
             "password": \(value), "peer_urls": \(value), "grpc_urls": [], "auth_enabled": false}
            """
        ).valid
        #expect(configuration.directory.urls == [])
        #expect(configuration.directory.password == nil)
        #expect(!configuration.directory.logsIn)
        #expect(configuration.friendPrimary == nil)
        #expect(configuration.friendsWithoutREST == [])
    }

    @Test("The search URL serves where there is no other")
    func searchURL() throws {
        let configuration = try LoadedConfiguration(
            #"{"peer_name": "p", "api_search_url": "http://d:8000/buscar_archivos"}"#
        ).valid
        #expect(configuration.directory.urls == ["http://d:8000"])
    }

    @Test("Faults are told by the names that the file has")
    func faults() throws {
        let loaded = try LoadedConfiguration(
            """
            {"peer_name": "", "port": "x", "directory": 7,
             "api_url": "localhost",
             "peer_urls": [1], "peer_amigo_titular": 5,
             "password": ["hunter2"], "auth_enabled": "yes",
             "name": "a", "shared_dir": "/a", "peer_amigo_titulra": ""}
            """)
        #expect(
            loaded.faults.map { $0.prefix { $0 != "," } } == [
                #"peer.json:1: peer_name: found """#, #"peer.json:1: port: found "x""#,
                "peer.json:1: directory: found 7",
                #"peer.json:2: api_url: found "localhost""#,
                "peer.json:3: peer_urls: found an array",
                "peer.json:3: peer_amigo_titular: found 5",
                "peer.json:4: password: found a value that is not shown",
                #"peer.json:4: auth_enabled: found "yes""#,
                "peer.json:5: name: found `peer_name`",
                "peer.json:5: peer_amigo_titulra: found an unknown key",
            ])
        #expect(loaded.faults.last?.contains("`peer_amigo_titular`") == true)
    }

    @Test("A password is in no output")
    func passwordIsHidden() throws {
        let configuration = try LoadedConfiguration(Self.original).valid
        let shown = configuration.settings.map { "\($0.key) = \($0.value)" }
        #expect(shown.contains("directory.password = ***"))
        var dumped = ""
        dump(configuration, to: &dumped)
        #expect(!(shown.joined() + dumped + "\(configuration)").contains("hunter2"))
        #expect(!String(reflecting: configuration).contains("hunter2"))
    }
}
