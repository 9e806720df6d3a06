/// Reads what peers list, from JSON, and refuses what is beyond the limits.
///
/// A file is `{"filename": TEXT, "url": ANYTHING, "size": BYTES, "sha256": HEX, "modified":
/// SECONDS}`; all but `filename` may be missing or null, other members are passed over, and of
/// two equal keys the last counts (as in Python's `json`).
package struct IndexReader: Sendable {
    private let limits: DirectoryLimits

    package init(limits: DirectoryLimits) {
        self.limits = limits
    }

    /// A whole list: a JSON array of files.
    package func list(_ json: [UInt8]) throws(IndexFault) -> IndexList {
        try reading(json) { cursor in
            let entries = try files(&cursor)
            return IndexList(entries, received: SHA256Digest(of: json))
        }
    }

    /// A delta: `{"base": HEX, "result": HEX, "changed": [FILE...], "removed": [TEXT...]}`; all
    /// but `base` may be missing.
    package func delta(_ json: [UInt8]) throws(IndexFault) -> IndexDelta {
        try reading(json) { cursor in
            var base: IndexVersion?
            var result: IndexVersion?
            var changed: [IndexEntry] = []
            var removed: [String] = []
            try cursor.object("a delta: an object") { cursor, key in
                switch key {
                case "base": base = try version(&cursor)
                case "result": result = try cursor.takeNull() ? nil : version(&cursor)
                case "changed": changed = try files(&cursor)
                case "removed": removed = try names(&cursor)
                default: try cursor.skipValue(depthMax: DirectoryLimits.urlDepthMax)
                }
            }
            guard let base else { throw IndexFault.malformed(offset: 0, expected: "a \"base\"") }
            let delta = IndexDelta(base: base, result: result, changed: changed, removed: removed)
            try check(delta)
            return delta
        }
    }

    /// What a delta that was not read here must be.
    package func check(_ delta: IndexDelta) throws(IndexFault) {
        guard delta.changed.count + delta.removed.count <= 2 * limits.filesPerPeerMax else {
            throw .tooManyFiles(limit: limits.filesPerPeerMax)
        }
        var names: Set<ExactString> = []
        for (number, entry) in delta.changed.enumerated() {
            try Self.check(filename: entry.filename, number)
            guard names.insert(ExactString(entry.filename)).inserted else {
                throw .badFile(number: number, reason: "it is changed twice")
            }
        }
        for (number, name) in delta.removed.enumerated()
        where names.contains(ExactString(name)) {
            throw .badFile(number: number, reason: "it is both changed and removed")
        }
    }

    private func reading<Result>(
        _ json: [UInt8], _ body: (inout JSONCursor) throws -> Result
    ) throws(IndexFault) -> Result {
        guard json.count <= limits.listBytesMax else {
            throw .tooLarge(bytes: json.count, limit: limits.listBytesMax)
        }
        do {
            var cursor = JSONCursor(json)
            let result = try body(&cursor)
            try cursor.expectEnd()
            return result
        } catch let fault as IndexFault {
            throw fault
        } catch let failure as JSONCursor.Failure {
            throw .malformed(offset: failure.offset, expected: failure.expected)
        } catch {
            throw .malformed(offset: 0, expected: "a list (\(error))")
        }
    }

    private func files(_ cursor: inout JSONCursor) throws -> [IndexEntry] {
        var entries: [IndexEntry] = []
        try cursor.array("a list of files") { cursor in
            guard entries.count < limits.filesPerPeerMax else {
                throw IndexFault.tooManyFiles(limit: limits.filesPerPeerMax)
            }
            entries.append(try file(&cursor, number: entries.count))
        }
        return entries
    }

    private func file(_ cursor: inout JSONCursor, number: Int) throws -> IndexEntry {
        var filename: String?
        var entry = IndexEntry(filename: "")
        try cursor.object("a file: an object with \"filename\"") { cursor, key in
            switch key {
            case "filename": filename = try cursor.string("a filename: a text")
            case "url": entry.url = try url(&cursor, number: number)
            case "size":
                entry.size = try cursor.takeNull() ? nil : cursor.integer("a size in bytes")
            case "sha256": entry.sha256 = try cursor.takeNull() ? nil : sha256(&cursor)
            case "modified":
                entry.modified = try cursor.takeNull() ? nil : cursor.integer("seconds")
            default: try cursor.skipValue(depthMax: DirectoryLimits.urlDepthMax)
            }
        }
        guard let filename else {
            throw IndexFault.badFile(number: number, reason: "it has no \"filename\"")
        }
        try Self.check(filename: filename, number)
        if let size = entry.size, size < 0 {
            throw IndexFault.badFile(number: number, reason: "its size is below 0")
        }
        return IndexEntry(
            filename: filename, size: entry.size, sha256: entry.sha256, modified: entry.modified,
            url: entry.url)
    }

    private func url(_ cursor: inout JSONCursor, number: Int) throws -> String {
        let url = try cursor.raw(depthMax: DirectoryLimits.urlDepthMax)
        guard url.utf8.count <= DirectoryLimits.urlBytesMax else {
            throw IndexFault.badFile(
                number: number,
                reason: "its url is longer than \(DirectoryLimits.urlBytesMax) bytes")
        }
        return url
    }

    private func sha256(_ cursor: inout JSONCursor) throws -> SHA256Digest {
        let failure = cursor.failure("a SHA-256: 64 hexadecimal digits")
        guard let digest = SHA256Digest(hexadecimal: try cursor.string(failure.expected)) else {
            throw failure
        }
        return digest
    }

    private func version(_ cursor: inout JSONCursor) throws -> IndexVersion {
        IndexVersion(sum: try sha256(&cursor))
    }

    private func names(_ cursor: inout JSONCursor) throws -> [String] {
        var names: [String] = []
        try cursor.array("a list of filenames") { cursor in
            guard names.count < limits.filesPerPeerMax else {
                throw IndexFault.tooManyFiles(limit: limits.filesPerPeerMax)
            }
            names.append(try cursor.string("a filename: a text"))
        }
        return names
    }

    private static func check(filename: String, _ number: Int) throws(IndexFault) {
        let utf8 = filename.utf8
        let reason: String? =
            if utf8.count > DirectoryLimits.filenameBytesMax {
                "its filename is longer than \(DirectoryLimits.filenameBytesMax) bytes"
            } else if utf8.contains(0) {
                "its filename holds a NUL"
            } else if !isRelativePath(utf8) {
                "its filename is not a relative path"
            } else {
                nil
            }
        if let reason { throw .badFile(number: number, reason: reason) }
    }

    /// No component is empty, `.` or `..`.
    private static func isRelativePath(_ path: String.UTF8View) -> Bool {
        var length = 0
        var dots = 0
        for byte in path {
            if byte == UInt8(ascii: "/") {
                if length == 0 || (length == dots && dots <= 2) { return false }
                (length, dots) = (0, 0)
            } else {
                length += 1
                if byte == UInt8(ascii: ".") { dots += 1 }
            }
        }
        return length > 0 && !(length == dots && dots <= 2)
    }
}

/// Why a list is refused: the client's fault, always.
package enum IndexFault: Error, Equatable, Sendable {
    case tooLarge(bytes: Int, limit: Int)
    case tooManyFiles(limit: Int)
    /// Not the JSON that was expected, `offset` bytes from the start.
    case malformed(offset: Int, expected: String)
    /// Files count from 0.
    case badFile(number: Int, reason: String)
}

extension IndexFault: CustomStringConvertible {
    package var description: String {
        switch self {
        case .tooLarge(let bytes, let limit):
            "the list has \(bytes) bytes; at most \(limit) are taken"
        case .tooManyFiles(let limit): "the list has more than \(limit) files"
        case .malformed(let offset, let expected):
            "the list can not be read: expected \(expected) at byte \(offset)"
        case .badFile(let number, let reason): "file \(number) of the list: \(reason)"
        }
    }
}
