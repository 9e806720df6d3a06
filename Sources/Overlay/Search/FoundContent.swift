/// Files that a search has found, those of identical content (the same SHA-256) together, in the order in which the
/// first of each was found.
///
/// A file whose checksum is not known yet stands alone. Bounded: past `copiesMax` nothing more is taken.
package struct FoundContent: Sendable {
    package struct Copy: Hashable, Sendable {
        package var peer: PeerID
        package var path: String

        package init(peer: PeerID, path: String) {
            (self.peer, self.path) = (peer, path)
        }
    }

    package struct Content: Hashable, Sendable {
        package let sha256: [UInt8]?
        /// In bytes, as the first of them says.
        package let size: Int64
        /// In the order in which they were found; one path of a peer once.
        package fileprivate(set) var copies: [Copy]

        /// Those that have it, each once.
        package var peers: [PeerID] {
            var known: Set<PeerID> = []
            return copies.map(\.peer).filter { known.insert($0).inserted }
        }
    }

    package let copiesMax: Int
    package private(set) var contents: [Content] = []
    /// Whether a file was left out for the bound.
    package private(set) var isTruncated = false
    private var placeOfDigest: [[UInt8]: Int] = [:]
    private var known: Set<Copy> = []

    package init(copiesMax: Int = 20_000) {
        self.copiesMax = copiesMax
    }

    /// - Returns: The content that the file now is a copy of; nil where it is known or there is no room.
    @discardableResult
    package mutating func insert(_ copy: Copy, size: Int64, sha256: [UInt8]?) -> Content? {
        guard !known.contains(copy) else { return nil }
        guard known.count < copiesMax else {
            isTruncated = true
            return nil
        }
        known.insert(copy)
        if let sha256, let place = placeOfDigest[sha256] {
            contents[place].copies.append(copy)
            return contents[place]
        }
        if let sha256 { placeOfDigest[sha256] = contents.count }
        let content = Content(sha256: sha256, size: size, copies: [copy])
        contents.append(content)
        return content
    }
}
