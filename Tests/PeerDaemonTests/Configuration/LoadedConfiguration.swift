import Testing

@testable import PeerDaemon

/// A configuration loaded from `peer.json` in a directory of its own.
struct LoadedConfiguration {
    /// nil where there are faults.
    let configuration: PeerConfiguration?
    /// With the directory's path cut off.
    let faults: [String]

    /// - Parameter files: More files beside `peer.json`, by path. In texts and environment `@DIR@`
    ///   is the directory.
    init(
        _ json: String, files: [String: String] = [:], environment: [String: String] = [:],
        arguments: [String: String] = [:]
    ) throws {
        let directory = try TemporaryDirectory()
        let place = { (text: String) in text.replacing("@DIR@", with: directory.path) }
        try directory.write("peer.json", place(json))
        for (name, text) in files { try directory.write(name, place(text)) }
        do throws(ConfigurationFaults) {
            configuration = try PeerConfiguration.load(
                file: "\(directory.path)/peer.json", environment: environment.mapValues(place),
                arguments: arguments.mapValues(place), surroundings: .none)
            faults = []
        } catch {
            configuration = nil
            faults = error.faults.map {
                $0.description.replacing("\(directory.path)/", with: "")
            }
        }
    }

    /// The configuration; a test fails where there is none.
    var valid: PeerConfiguration {
        get throws {
            #expect(faults == [])
            return try #require(configuration)
        }
    }
}
