import PrometheusExposition

/// What the metrics say of a directory.
enum DirectoryMetrics {
    static let logins = "p2p_directory_logins_total"
    static let heartbeats = "p2p_directory_heartbeats_total"

    static func register(in registry: PrometheusRegistry, _ role: DirectoryRole) {
        registry.describe(logins, "Logins at this directory, by result.")
        registry.describe(heartbeats, "Heartbeats at this directory.")
        registry.addCollector {
            // A figure that is not known is not told.
            guard let figures = await role.figures() else { return [] }
            return [
                MetricFamily(
                    "p2p_directory_peers", .gauge, help: "Peers logged in at this directory.",
                    value: Double(figures.peers)),
                MetricFamily(
                    "p2p_directory_accounts", .gauge, help: "Accounts of this directory.",
                    value: Double(figures.accounts)),
                MetricFamily(
                    "p2p_directory_files", .gauge,
                    help: "Files listed at this directory, each once for each account.",
                    value: Double(figures.files)),
            ]
        }
    }
}
