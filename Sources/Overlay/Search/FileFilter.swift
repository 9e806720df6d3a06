/// Which files a search wants: all that is given has to hold.
///
/// Texts are UTF-8 that the caller has folded as names are (the catalog's `FoldedName`).
package struct FileFilter: Hashable, Sendable {
    /// A part of the name; empty: any name.
    package var text: [UInt8]
    /// Of the whole name.
    package var glob: GlobPattern?
    /// Without its dot.
    package var fileExtension: [UInt8]?
    /// Both in bytes, both included.
    package var sizeMin: Int64?
    package var sizeMax: Int64?
    /// In seconds since 1970, both included. Who asks turns an age into these, by its own clock.
    package var modifiedMin: Int64?
    package var modifiedMax: Int64?
    /// 32 bytes. A file whose checksum is not known yet is not found by it.
    package var sha256: [UInt8]?

    package init(text: [UInt8] = []) {
        self.text = text
    }

    /// What is known of a file.
    package struct File: Hashable, Sendable {
        /// Folded.
        package var name: [UInt8]
        package var size: Int64
        package var modified: Int64
        package var sha256: [UInt8]?

        package init(name: [UInt8], size: Int64, modified: Int64, sha256: [UInt8]? = nil) {
            self.name = name
            self.size = size
            self.modified = modified
            self.sha256 = sha256
        }
    }

    package func matches(_ file: File) -> Bool {
        if let sha256, sha256 != file.sha256 { return false }
        if let sizeMin, file.size < sizeMin { return false }
        if let sizeMax, file.size > sizeMax { return false }
        if let modifiedMin, file.modified < modifiedMin { return false }
        if let modifiedMax, file.modified > modifiedMax { return false }
        if let fileExtension, !file.name.ends(with: [0x2E] + fileExtension) { return false }
        if !text.isEmpty, !file.name.contains(part: text) { return false }
        return glob?.matches(file.name) ?? true
    }

    /// What a peer's summary has to contain, or no file of its can match. Size and age are in no summary.
    var keys: [GramFilter.Key] {
        var texts = [text] + (glob?.literals ?? [])
        if let fileExtension { texts.append([0x2E] + fileExtension) }
        let grams = texts.flatMap { GramFilter.grams(of: $0) }
        return grams + (sha256.map { [GramFilter.key(ofDigest: $0)] } ?? [])
    }
}

extension [UInt8] {
    fileprivate func ends(with end: [UInt8]) -> Bool {
        count >= end.count && suffix(end.count).elementsEqual(end)
    }

    /// Whether `part` is in it, byte by byte.
    package func contains(part: [UInt8]) -> Bool {
        guard let first = part.first else { return true }
        guard count >= part.count else { return false }
        for start in 0...count - part.count where self[start] == first {
            if self[start..<start + part.count].elementsEqual(part) { return true }
        }
        return false
    }
}
