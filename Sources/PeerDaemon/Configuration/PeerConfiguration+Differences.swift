/// A key whose value differs between two configurations.
package struct ConfigurationChange: Equatable, Sendable {
    package let key: String
    package let old: String
    package let new: String
    /// Whether a reload is enough.
    package let live: Bool
}

extension PeerConfiguration {
    /// What changed since `old`, in the order of the table of keys.
    package func differences(from old: PeerConfiguration) -> [ConfigurationChange] {
        var changes = ConfigurationKey.all.compactMap { key -> ConfigurationChange? in
            if key.isEqual(old, self) { return nil }
            return ConfigurationChange(
                key: key.path, old: key.render(old), new: key.render(self), live: key.live)
        }
        if directory.password != old.directory.password {
            changes.append(
                ConfigurationChange(
                    key: Self.passwordKey, old: old.shownPassword, new: shownPassword, live: false))
        }
        return changes
    }

    /// No key of the table: a password comes from a file, a credential or the original's `password`.
    static let passwordKey = "directory.password"

    private var shownPassword: String { directory.password.map { "\($0)" } ?? "" }

    /// Every key with its value, in the order of the table: what `--check-config` prints.
    package var settings: [(key: String, value: String)] {
        ConfigurationKey.all.map { ($0.path, $0.render(self)) }
            + [(Self.passwordKey, shownPassword)]
    }
}
