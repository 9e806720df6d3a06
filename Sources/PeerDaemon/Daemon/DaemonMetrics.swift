import Catalog
import Overlay
import PrometheusExposition

/// What the metrics say besides what is counted where it happens: figures read when they are asked for.
enum DaemonMetrics {
    static func register(
        in registry: PrometheusRegistry, peer: Peer, network: PeerNetwork,
        transfers: TransferCounters,
        version: String
    ) {
        describeCounters(in: registry)
        registry.addCollector { ProcessFigures.collect() }
        registry.addCollector { directory(peer) }
        registry.addCollector {
            let counts = Dictionary(grouping: await peer.members(), by: \.state).mapValues(\.count)
            let totals = peer.catalog.totals
            return [
                MetricFamily(
                    "p2p_build_info", .gauge, help: "Version of this daemon.",
                    samples: [(labels: [("version", version)], value: 1)]),
                MetricFamily(
                    "p2p_peers", .gauge, help: "Peers known, by state.",
                    samples: MemberState.allCases.map { state in
                        (labels: [("state", state.rawValue)], value: Double(counts[state] ?? 0))
                    }),
                MetricFamily(
                    "p2p_shared_files", .gauge, help: "Files shared by this peer.",
                    value: Double(totals.files)),
                MetricFamily(
                    "p2p_shared_bytes", .gauge, help: "Bytes of the files shared by this peer.",
                    value: Double(totals.bytes)),
                MetricFamily(
                    "p2p_hashed_files", .gauge, help: "Files shared whose SHA-256 is known.",
                    value: Double(totals.hashed)),
                MetricFamily(
                    "p2p_files_hashed_total", .counter, help: "Files read for their SHA-256.",
                    value: Double(peer.catalog.status.filesHashed)),
                MetricFamily(
                    "p2p_active_transfers", .gauge, help: "Files on their way, in and out.",
                    value: Double(transfers.current.active)),
            ]
        }
    }

    /// Nothing of a peer that does not log in.
    private static func directory(_ peer: Peer) -> [MetricFamily] {
        guard let status = peer.directory?.client?.status else { return [] }
        let isLoggedIn = if case .loggedIn = status.session { true } else { false }
        return [
            MetricFamily(
                "p2p_directory_logged_in", .gauge,
                help: "Whether this peer is logged in to a directory.",
                value: isLoggedIn ? 1 : 0)
        ]
    }

    private static func describeCounters(in registry: PrometheusRegistry) {
        for (name, help) in [
            ("p2p_http_requests_total", "REST requests answered."),
            ("p2p_http_request_seconds", "Time until a REST answer began."),
            ("p2p_http_sent_bytes_total", "Bytes of REST answers."),
            ("p2p_grpc_calls_total", "gRPC calls taken, by what became of them."),
            ("p2p_grpc_cut_off_total", "gRPC connections and streams ended for what a client did."),
            ("p2p_searches_total", "Searches, begun here or forwarded by a neighbour."),
            ("p2p_search_answers_total", "Answers of peers to searches that began here."),
            ("p2p_search_hits_total", "Files found by searches that began here."),
            ("p2p_search_failures_total", "Peers that searches could not reach."),
            ("p2p_transfers_total", "Files moved, by direction and result."),
            ("p2p_transfer_bytes_total", "Bytes of files moved, by direction."),
        ] {
            registry.describe(name, help)
        }
    }
}
