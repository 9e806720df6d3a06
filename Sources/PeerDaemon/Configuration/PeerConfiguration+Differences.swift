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
        ConfigurationKey.all.compactMap { key in
            let (before, after) = (key.render(old), key.render(self))
            guard before != after else { return nil }
            return ConfigurationChange(key: key.path, old: before, new: after, live: key.live)
        }
    }

    /// Every key with its value, in the order of the table: what `--check-config` prints.
    package var settings: [(key: String, value: String)] {
        ConfigurationKey.all.map { ($0.path, $0.render(self)) }
    }
}
