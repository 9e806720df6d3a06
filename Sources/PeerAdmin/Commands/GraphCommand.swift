import AdminWire
import ArgumentParser

/// `p2padm graph [--dot]`
struct GraphCommand: AdminCommand {
    static let configuration = CommandConfiguration(
        commandName: "graph",
        abstract: "The overlay as it is seen from here: who is linked with whom.",
        discussion: """
            One peer a line, this one first, with its neighbours; friends of this peer are marked \
            with *, peers that speak only REST with ~. Who the neighbours are follows from who is \
            known, so a peer that knows others sees another graph. For a picture: \
            p2padm graph --dot | dot -Tsvg > fleet.svg
            """)

    @Flag(help: "For Graphviz.")
    var dot = false

    @OptionGroup var common: CommonOptions

    var action: String { "graph" }

    func validate() throws {
        if dot && common.json { throw ValidationError("--dot and --json exclude each other") }
    }

    func perform(_ session: AdminSession, _ console: Console) throws(CommandFailure) {
        let graph: Admin.Graph = try session.call("Graph", action: action)
        if common.json {
            for peer in graph.peers { try printJSON("peer", peer, console) }
            for link in graph.links { try printJSON("link", GraphLink(link, graph), console) }
        } else if dot {
            try console.output(DotText.rendered(graph))
        } else {
            try console.output(GraphTable.rendered(graph, style: console.style))
        }
    }
}

/// The member `link` of `graph --json`: two URLs.
struct GraphLink: Codable, Equatable, Sendable {
    var one: String
    var other: String
    var kind: String

    init(_ link: Admin.Link, _ graph: Admin.Graph) {
        func url(_ place: Int) -> String {
            graph.peers.indices.contains(place) ? graph.peers[place].url : ""
        }
        (one, other, kind) = (url(link.one), url(link.other), link.kind)
    }
}

/// The table of `p2padm graph`.
enum GraphTable {
    static func rendered(_ graph: Admin.Graph, style: Style) -> String {
        var table = Table([
            .init(title: "NAME"), .init(title: "STATE"), .init(title: "URL"),
            .init(title: "LINKED WITH"),
        ])
        let linked = names(graph)
        for (place, peer) in graph.peers.enumerated() {
            table.append([
                .init(peer.name ?? "-"),
                .init(
                    place == 0 ? "this peer" : peer.state, color: PeerTable.color(of: peer.state)),
                .init(peer.url), .init(linked[place].isEmpty ? "-" : linked[place]),
            ])
        }
        return table.rendered(style: style)
    }

    /// By place: the names of those that a peer is linked with.
    private static func names(_ graph: Admin.Graph) -> [String] {
        var names = Array(repeating: [(place: Int, mark: String)](), count: graph.peers.count)
        for link in graph.links
        where names.indices.contains(link.one) && names.indices.contains(link.other) {
            for (place, other) in [(link.one, link.other), (link.other, link.one)] {
                if let known = names[place].firstIndex(where: { $0.place == other }) {
                    names[place][known].mark += mark(link)
                } else {
                    names[place].append((other, mark(link)))
                }
            }
        }
        return names.map { links in
            links.map { (graph.peers[$0.place].name ?? graph.peers[$0.place].url) + $0.mark }
                .joined(separator: " ")
        }
    }

    private static func mark(_ link: Admin.Link) -> String {
        switch link.kind {
        case "friend": "*"
        case "rest": "~"
        default: ""
        }
    }
}

/// The graph in Graphviz' language (graphviz.org/doc/info/lang.html).
enum DotText {
    static func rendered(_ graph: Admin.Graph) -> String {
        var lines = ["graph p2p {", "  node [shape=box];"]
        for (place, peer) in graph.peers.enumerated() {
            let label = quoted(peer.name ?? peer.url)
            let style = place == 0 ? ", style=bold" : color(of: peer.state)
            lines.append("  \(quoted(peer.url)) [label=\(label)\(style)];")
        }
        for link in graph.links {
            let named = GraphLink(link, graph)
            let style =
                link.kind == "ring" ? "" : " [style=\(link.kind == "rest" ? "dotted" : "dashed")]"
            lines.append("  \(quoted(named.one)) -- \(quoted(named.other))\(style);")
        }
        return (lines + ["}"]).map { $0 + "\n" }.joined()
    }

    private static func color(of state: String) -> String {
        switch state {
        case "alive": ""
        case "dead": ", color=red"
        default: ", color=orange"
        }
    }

    /// Names come from anywhere: what steers a terminal is made visible, and quotes do not end.
    private static func quoted(_ text: String) -> String {
        let parts = TerminalText.escaped(text).split(
            separator: "\"", omittingEmptySubsequences: false)
        return "\"" + parts.joined(separator: "\\\"") + "\""
    }
}
