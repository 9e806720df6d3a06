import Locking

/// The SHA-256 of every piece of a file.
package struct Manifest: Hashable, Sendable {
    package static let digestBytes = 32

    package let layout: PieceLayout
    /// 32 bytes for each piece, in the file's order.
    package let digests: [UInt8]

    /// - Returns: nil where there are not exactly as many digests as the file has pieces.
    package init?(size: Int64, digests: [UInt8]) {
        layout = PieceLayout(size: size)
        guard digests.count == layout.pieceCount * Self.digestBytes else { return nil }
        self.digests = digests
    }

    func isDigest(_ digest: [UInt8], of piece: Int) -> Bool {
        digests[piece * Self.digestBytes..<(piece + 1) * Self.digestBytes].elementsEqual(digest)
    }
}

/// A part of a manifest, as a peer sends it.
package struct ManifestPage: Hashable, Sendable {
    /// Digests in one page: 256 KiB, so that a page is a message that every gRPC client takes.
    package static let digestsMax = 8192

    /// Of the whole file, in bytes.
    package let size: Int64
    package let firstPiece: Int64
    package let digests: [UInt8]

    package init(size: Int64, firstPiece: Int64, digests: [UInt8]) {
        self.size = size
        self.firstPiece = firstPiece
        self.digests = digests
    }
}

/// What a peer sent is no manifest of the file that it announced.
struct ManifestFault: Error, Hashable {}

/// Puts the pages of a stranger together; takes no more than the file that it announced has pieces.
final class PageAssembly: Sendable {
    private let layout: PieceLayout
    private let digests = Locked<[UInt8]>([])

    init(size: Int64) {
        layout = PieceLayout(size: size)
    }

    private var expectedBytes: Int { layout.pieceCount * Manifest.digestBytes }

    /// - Throws: ``ManifestFault`` for another size, a gap, or too much.
    func append(_ page: ManifestPage) throws(ManifestFault) {
        let (layout, expectedBytes) = (layout, expectedBytes)
        let isTaken = digests.withLock { digests in
            guard page.size == layout.size,
                page.firstPiece == digests.count / Manifest.digestBytes,
                page.digests.count % Manifest.digestBytes == 0,
                page.digests.count <= expectedBytes - digests.count
            else { return false }
            digests += page.digests
            return true
        }
        if !isTaken { throw ManifestFault() }
    }

    /// - Throws: ``ManifestFault`` where some is missing.
    func manifest() throws(ManifestFault) -> Manifest {
        let digests = digests.withLock { $0 }
        guard let manifest = Manifest(size: layout.size, digests: digests) else {
            throw ManifestFault()
        }
        return manifest
    }
}
