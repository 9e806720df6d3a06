import AdminWire
import ArgumentParser

/// `p2padm peers`
struct PeersCommand: AdminCommand {
    static let configuration = CommandConfiguration(
        commandName: "peers",
        abstract: "The peers that the daemon knows, friends (*) first, neighbours (+).",
        discussion: """
            A peer that did not answer is a suspect for some seconds, and dead unless it contradicts. \
            Neighbours are the peers that it keeps links with; p2padm graph prints all links. The \
            figures of a peer are of when it was heard last.
            """)

    @OptionGroup var common: CommonOptions

    var action: String { "peers" }

    func perform(_ session: AdminSession, _ console: Console) throws(CommandFailure) {
        let peers = (try session.call("Peers", action: action) as Admin.Peers).peers
        if common.json {
            for peer in peers { try printJSON("peer", peer, console) }
            return
        }
        if peers.isEmpty {
            console.warn("peers: none known: set friend_primary, then p2padm bootstrap")
            return
        }
        try console.output(PeerTable.rendered(peers, now: console.now(), style: console.style))
    }
}

/// The table of `p2padm peers`.
enum PeerTable {
    static func rendered(_ peers: [Admin.Peer], now: Int, style: Style) -> String {
        var table = Table([
            .init(title: "STATE"), .init(title: ""), .init(title: "NAME"), .init(title: "URL"),
            .init(title: "PROTOCOL"), .init(title: "VERSION"), .init(title: "RTT", isRight: true),
            .init(title: "FILES", isRight: true), .init(title: "SIZE", isRight: true),
            .init(title: "SINCE", isRight: true), .init(title: "REASON"),
        ])
        for peer in peers {
            table.append([
                .init(peer.state, color: color(of: peer.state)),
                .init((peer.friend ? "*" : "") + (peer.neighbour == true ? "+" : "")),
                .init(peer.name ?? "-"),
                .init(peer.url),
                .init(peer.protocol),
                .init(peer.version ?? "-"),
                .init(peer.round_trip_us.map(HumanFormat.roundTrip) ?? "-"),
                .init(peer.files.map(HumanFormat.count) ?? "-"),
                .init(peer.bytes.map(HumanFormat.size) ?? "-"),
                .init(HumanFormat.age(of: peer.since, at: now)),
                .init(peer.reason ?? ""),
            ])
        }
        return table.rendered(style: style)
    }

    static func color(of state: String) -> Color? {
        switch state {
        case "alive": .green
        case "dead": .red
        case "unknown", "suspect", "left": .yellow
        default: nil
        }
    }
}
