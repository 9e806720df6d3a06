/// A peer that a search may be sent to.
package struct Neighbour: Hashable, Sendable {
    /// What is asked of it.
    package enum Speaks: Hashable, Sendable {
        /// To search and to forward.
        case p2p
        /// Only its list of files.
        case rest
    }

    package var url: PeerURL
    package var id: String?
    package var speaks: Speaks
    package var isFriend: Bool

    package init(url: PeerURL, id: String?, speaks: Speaks, isFriend: Bool) {
        self.url = url
        self.id = id
        self.speaks = speaks
        self.isFriend = isFriend
    }

    package var key: PeerKey { PeerKey(id: id, url: url) }
}

/// By what one peer is told from another in the answers of a search: two keys are the same peer
/// when their ids or their URLs are equal.
package struct PeerKey: Hashable, Sendable {
    /// nil for one that only speaks REST.
    package var id: String?
    package var url: PeerURL

    package init(id: String?, url: PeerURL) {
        self.id = id
        self.url = url
    }
}
