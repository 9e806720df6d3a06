extension Admin {
    /// Two peers, by their places in ``Graph/peers``.
    package struct Link: Codable, Equatable, Sendable {
        package var one: Int
        package var other: Int
        /// `ring`, `friend` or `rest`.
        package var kind: String

        package init(one: Int, other: Int, kind: String) {
            self.one = one
            self.other = other
            self.kind = kind
        }
    }

    package struct Graph: Codable, Equatable, Sendable {
        /// The daemon's own first.
        package var peers: [Peer]
        package var links: [Link]

        package init(peers: [Peer], links: [Link]) {
            self.peers = peers
            self.links = links
        }
    }
}
