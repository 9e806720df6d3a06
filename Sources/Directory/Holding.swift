/// A file at a peer that is logged in.
package struct Holding: Equatable, Sendable {
    package let peer: String
    package let contact: PeerContact
    package let entry: IndexEntry

    package init(peer: String, contact: PeerContact, entry: IndexEntry) {
        self.peer = peer
        self.contact = contact
        self.entry = entry
    }
}

/// What is looked for among the files of active peers.
package enum FileQuery: Equatable, Sendable {
    case all
    /// The filename as it was listed, byte by byte.
    case named(String)
    /// A part of the filename's last component, whatever its case; not empty.
    ///
    /// Case as the catalog compares it: upper case, and lower case of that.
    case containing(String)
    case sha256(SHA256Digest)
    /// The files of one peer.
    case heldBy(String)
}

/// A part of a long answer.
package struct Page<Element: Sendable>: Sendable {
    /// At most as many as were asked for. There may be fewer, even none, with more behind them:
    /// a store stops looking when it has worked long enough for one request.
    package var elements: [Element]
    /// Where to go on; nil at the end, and only there.
    package var next: PageCursor?

    package init(_ elements: [Element], next: PageCursor?) {
        self.elements = elements
        self.next = next
    }
}

extension Page: Equatable where Element: Equatable {}

/// The place behind the last element of a page, in a form of the store's own.
///
/// May be handed to clients and come back from them: the store proves that it is one. It is no
/// offset: whatever was there through the whole walk is met exactly once.
package struct PageCursor: Hashable, Sendable {
    /// At most 256 letters, digits, `.`, `_` and `-`.
    package let string: String

    package init(_ string: String) {
        self.string = string
    }
}
