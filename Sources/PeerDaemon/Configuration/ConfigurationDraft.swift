import Systemd

/// A configuration while its layers are put over each other, and what is wrong so far.
struct ConfigurationDraft {
    private var configuration: PeerConfiguration
    private var faults: [Fault] = []
    /// Where a key's last value came from, for faults between keys.
    private var origins: [String: Fault.Origin] = [:]
    /// Keys of the document that is read, each with the name that it has there.
    private var written: [String: String] = [:]

    init(_ defaults: PeerConfiguration) {
        configuration = defaults
    }

    mutating func add(file: String) {
        let origin = Fault.Origin.file(file, line: nil, column: nil)
        do throws(SmallFile.ReadError) {
            add(
                document: try SmallFile.read(file, bytesMax: PeerConfiguration.fileBytesMax),
                of: file)
        } catch {
            let found =
                switch error {
                case .system(let error): "\(error)".lowercased()
                case .notRegularFile: "something that is not a file"
                case .oversized(let bytesMax): "more than \(bytesMax) bytes"
                }
            report(origin, nil, found: found, expected: "a JSON file that can be read")
        }
    }

    mutating func add(dropIns directory: String) {
        let origin = Fault.Origin.file(directory, line: nil, column: nil)
        do throws(SystemError) {
            let names = try DirectoryListing.names(in: directory).filter {
                $0.hasSuffix(".json") && !$0.hasPrefix(".")
            }
            guard names.count <= PeerConfiguration.dropInsMax else {
                report(
                    origin, nil, found: "\(names.count) files",
                    expected: "at most \(PeerConfiguration.dropInsMax)")
                return
            }
            for name in names.sorted() { add(file: "\(directory)/\(name)") }
        } catch {
            if error.kind == .notFound { return }
            report(origin, nil, found: "\(error)".lowercased(), expected: "a readable directory")
        }
    }

    mutating func add(environment: [String: String]) {
        let keys = Dictionary(
            uniqueKeysWithValues: ConfigurationKey.all.map { ($0.environmentName, $0) })
        for (variable, text) in environment.sorted(by: { $0.key < $1.key })
        where variable.hasPrefix("P2P_") {
            let origin = Fault.Origin.environment(variable: variable)
            if let key = keys[variable] {
                set(key, key.parseText(text), origin)
            } else if variable == "P2P_DIRECTORY_PASSWORD" {
                // Left unread, it would be a secret for nothing that every child can see.
                reportUnknown(PeerConfiguration.passwordKey, origin)
            } else if let near = EditDistance.nearest(to: variable, among: keys.keys.sorted()),
                EditDistance.between(variable, near) <= 2
            {
                report(
                    origin, nil, found: "an unknown variable",
                    expected: "a known one (did you mean `\(near)`?)")
            }
        }
    }

    mutating func add(arguments: [String: String]) {
        for (path, text) in arguments.sorted(by: { $0.key < $1.key }) {
            if let key = ConfigurationKey.byPath[path] {
                set(key, key.parseText(text), .arguments)
            } else {
                reportUnknown(path, .arguments)
            }
        }
    }

    /// - Parameter credentials: Those that the service manager passed, if any.
    consuming func finish(
        credentials: Credentials?
    ) throws(ConfigurationFaults) -> PeerConfiguration {
        checkPortsDiffer()
        checkLease()
        takePassword(credentials)
        guard faults.isEmpty else { throw ConfigurationFaults(faults: faults) }
        return configuration
    }

    private mutating func add(document: [UInt8], of file: String) {
        do throws(JSONSyntaxError) {
            guard case .object(let members) = try JSONReader.read(document) else {
                report(
                    .file(file, line: 1, column: nil), nil, found: "a JSON value of another kind",
                    expected: "an object, {...}")
                return
            }
            written = [:]
            var seed = SeedFile()
            add(members, under: "", of: file, &seed)
            seed.apply(to: &configuration)
            if written["name"] == "peer_name" { takeFreePorts() }
        } catch {
            report(
                .file(file, line: error.position.line, column: error.position.column), nil,
                found: error.found, expected: error.expected)
        }
    }

    private mutating func add(
        _ members: [JSONValue.Member], under prefix: String, of file: String,
        _ seed: inout SeedFile
    ) {
        for member in members {
            let path = prefix + member.key
            let origin = Fault.Origin.file(file, line: member.position.line, column: nil)
            if let key = ConfigurationKey.byPath[path] {
                set(key, member.value, origin, as: path)
            } else if prefix.isEmpty,
                let key = SeedFile.renamed(member).flatMap({ ConfigurationKey.byPath[$0] })
            {
                set(key, member.value, origin, as: path)
            } else if prefix.isEmpty, let key = SeedFile.Key(rawValue: path) {
                guard !seed.take(key, member.value) else { continue }
                report(
                    origin, path, found: Fault.show(member.value, of: path),
                    expected: key.expected)
            } else if ConfigurationKey.groups.contains(path[...]) {
                if case .object(let inner) = member.value {
                    add(inner, under: path + ".", of: file, &seed)
                } else {
                    report(
                        origin, path, found: Fault.show(member.value, of: path),
                        expected: "an object, {...}")
                }
            } else {
                reportUnknown(path, origin)
            }
        }
    }

    /// A value of a file.
    ///
    /// - Parameter name: Of the key there; the original system's files have others.
    private mutating func set(
        _ key: ConfigurationKey, _ value: JSONValue, _ origin: Fault.Origin, as name: String
    ) {
        if let other = written.updateValue(name, forKey: key.path) {
            report(origin, name, found: "`\(other)`, too", expected: "one of the two")
            return
        }
        set(key, value, origin, shown: name)
    }

    private mutating func set(
        _ key: ConfigurationKey, _ value: JSONValue, _ origin: Fault.Origin, shown: String? = nil
    ) {
        origins[key.path] = origin
        let name = shown ?? key.path
        guard !key.apply(value, &configuration) else { return }
        report(origin, name, found: Fault.show(value, of: name), expected: key.expected)
    }

    /// The original's peers have no REST and no metrics port, and several of them share a host.
    private mutating func takeFreePorts() {
        if origins["rest_port"] == nil { configuration.restPort = 0 }
        if origins["metrics_port"] == nil { configuration.metricsPort = 0 }
    }

    private mutating func checkLease() {
        let directory = configuration.directory
        guard directory.lease <= directory.heartbeatInterval,
            let origin = origins["directory.lease"] ?? origins["directory.heartbeat_interval"]
        else { return }
        report(
            origin, "directory.lease", found: "no more than directory.heartbeat_interval",
            expected: "time for more than one heartbeat")
    }

    /// The file that was named comes before the credential: it was named by somebody.
    private mutating func takePassword(_ credentials: Credentials?) {
        if let path = configuration.directory.passwordFile {
            do throws(DirectoryPassword.Fault) {
                configuration.directory.password = try DirectoryPassword.read(file: path)
            } catch {
                let origin = origins["directory.password_file"] ?? .arguments
                report(
                    origin, "directory.password_file", found: "\(path): \(error)",
                    expected: DirectoryPassword.expected)
            }
        } else if configuration.directory.password == nil, let credentials {
            do throws(DirectoryPassword.Fault) {
                configuration.directory.password = try DirectoryPassword.read(credentials)
            } catch {
                report(
                    .environment(variable: "CREDENTIALS_DIRECTORY"), DirectoryPassword.credential,
                    found: "\(error)", expected: DirectoryPassword.expected)
            }
        }
    }

    private mutating func checkPortsDiffer() {
        let ports = [
            ("rest_port", configuration.restPort), ("grpc_port", configuration.grpcPort),
            ("metrics_port", configuration.metricsPort),
        ]
        for (index, (key, port)) in ports.enumerated() where port != 0 {
            guard let other = ports[..<index].first(where: { $0.1 == port }) else { continue }
            // At least one of two equal ports is no default, and has an origin.
            guard let origin = origins[key] ?? origins[other.0] else { continue }
            report(
                origin, key, found: "\(port), which is also \(other.0)",
                expected: "a port of its own")
        }
    }

    private mutating func reportUnknown(_ path: String, _ origin: Fault.Origin) {
        if path == PeerConfiguration.passwordKey {
            report(
                origin, path, found: "a password",
                expected: "directory.password_file, a file that holds it")
            return
        }
        let known =
            ConfigurationKey.all.map(\.path) + ConfigurationKey.groups.map(String.init)
            + SeedFile.keys
        let near = EditDistance.nearest(to: path, among: known)
        report(
            origin, Fault.quoted(path), found: "an unknown key",
            expected: "a known one" + (near.map { " (did you mean `\($0)`?)" } ?? ""))
    }

    private mutating func report(
        _ origin: Fault.Origin, _ key: String?, found: String, expected: String
    ) {
        faults.append(Fault(origin: origin, key: key, found: found, expected: expected))
    }
}
