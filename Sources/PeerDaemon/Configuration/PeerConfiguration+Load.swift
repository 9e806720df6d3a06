import Systemd

extension PeerConfiguration {
    /// Largest file read, in bytes.
    static let fileBytesMax = 1 << 20
    /// Most drop-ins read (guess); one more is a fault.
    static let dropInsMax = 256

    /// Reads the configuration: the file, then its drop-ins (`peer.d/*.json` beside `peer.json`) in the
    /// order of their names, then `P2P_*` variables, then the command line. Later values win, key by key; all
    /// of them are checked, also those that lose.
    ///
    /// - Parameters:
    ///   - file: Path of the JSON file, or nil for none: defaults, environment and arguments.
    ///   - environment: All of it. A `P2P_*` variable that is no key's is a fault only where it
    ///     is nearly one: the environment is not ours alone.
    ///   - arguments: Values by key path (`rest_port`), as main took them.
    /// - Throws: ``ConfigurationFaults``, all of them.
    package static func load(
        file: String?, environment: [String: String], arguments: [String: String] = [:],
        surroundings: Surroundings
    ) throws(ConfigurationFaults) -> PeerConfiguration {
        var draft = ConfigurationDraft(PeerConfiguration(surroundings: surroundings))
        if let file {
            draft.add(file: file)
            draft.add(dropIns: dropInDirectory(of: file))
        }
        draft.add(environment: environment)
        draft.add(arguments: arguments)
        return try draft.finish(credentials: Credentials(environment: environment))
    }

    /// `NAME.d` beside `NAME.json`, so that several peers on a host have each their own.
    static func dropInDirectory(of file: String) -> String {
        "\(file.hasSuffix(".json") ? String(file.dropLast(5)) : file).d"
    }
}
