import Catalog
import Directory
import NIOCore

/// What this peer tells directories that it shares, as of one version of the catalog.
struct SharedIndex: Sendable {
    /// Names and digests, to tell what has changed: some 150 bytes a file.
    fileprivate(set) var digests: [ExactString: SHA256Digest] = [:]
    fileprivate(set) var version = IndexVersion.empty
    /// Of the catalog when the reading began: what changed meanwhile is read again.
    fileprivate(set) var catalogVersion: UInt64
    /// Files that are not told, because their names or their number are beyond what a directory
    /// takes.
    fileprivate(set) var leftOut = 0

    var files: Int { digests.count }
}

/// One reading of the catalog, as a body for a directory.
struct IndexReading: Sendable {
    enum Form {
        /// Nothing but the version.
        case version
        /// A JSON array of files.
        case whole
        /// What has changed since an index that the directory has.
        case delta(SharedIndex)
        /// As `whole`, with names and links alone: what the original's peers send.
        case original
    }

    private static let pageFiles = 1000
    /// Of a whole list; a little less than what a directory takes.
    private static let listBytesMax = DirectoryLimits().listBytesMax - (1 << 20)
    /// In a query, before it is percent-encoded (guess: no server takes more).
    private static let originalBytesMax = 1 << 20

    private(set) var index: SharedIndex
    private(set) var body = JSONText()
    /// Of the delta.
    private(set) var changes = 0
    private let form: Form
    private let baseURL: String

    /// - Parameter baseURL: REST base URL of this peer, for links to its files.
    static func read(_ catalog: Catalog, _ form: Form, baseURL: String) async throws -> Self {
        var reading = IndexReading(
            index: SharedIndex(catalogVersion: catalog.totals.version), form: form,
            baseURL: baseURL)
        reading.begin()
        var after: String?
        repeat {
            let files = try await catalog.files(after: after, limit: pageFiles)
            for file in files { reading.add(file) }
            after = files.count == pageFiles ? files.last?.path : nil
        } while after != nil
        reading.end()
        return reading
    }

    private init(index: SharedIndex, form: Form, baseURL: String) {
        self.index = index
        self.form = form
        self.baseURL = baseURL
    }

    private mutating func begin() {
        switch form {
        case .version: break
        case .whole, .original: body.raw("[")
        case .delta(let base):
            body.raw("{\"base\":\"\(base.version.sum.hexadecimal)\",\"changed\":[")
        }
    }

    private mutating func add(_ file: SharedFile) {
        let entry = IndexEntry(file, baseURL: baseURL)
        guard let entry, index.files < DirectoryLimits().filesPerPeerMax, hasRoom else {
            index.leftOut += 1
            return
        }
        let name = ExactString(entry.filename)
        let digest = entry.digest
        index.digests[name] = digest
        index.version.add(entry)
        switch form {
        case .version: break
        case .whole, .original: write(entry)
        case .delta(let base):
            if base.digests[name] != digest { write(entry) }
        }
    }

    private var hasRoom: Bool {
        switch form {
        case .version, .delta: true
        case .whole: body.buffer.readableBytes < Self.listBytesMax
        case .original: body.buffer.readableBytes < Self.originalBytesMax
        }
    }

    private mutating func write(_ entry: IndexEntry) {
        body.raw(changes > 0 ? ",{\"filename\":" : "{\"filename\":")
        changes += 1
        body.string(entry.filename)
        if let url = entry.url { body.raw(",\"url\":\(url)") }
        if case .original = form {
        } else {
            body.member("size", entry.size)
            body.member("sha256", entry.sha256?.hexadecimal)
            body.member("modified", entry.modified)
        }
        body.raw("}")
    }

    private mutating func end() {
        switch form {
        case .version: break
        case .whole, .original: body.raw("]")
        case .delta(let base): endDelta(base)
        }
    }

    private mutating func endDelta(_ base: SharedIndex) {
        body.raw("],\"removed\":[")
        var isFirst = true
        for name in base.digests.keys where index.digests[name] == nil {
            if !isFirst { body.raw(",") }
            isFirst = false
            body.string(name.string)
            changes += 1
        }
        body.raw("],\"result\":\"\(index.version.sum.hexadecimal)\"}")
    }
}

extension IndexEntry {
    /// nil for a name that no directory takes.
    fileprivate init?(_ file: SharedFile, baseURL: String) {
        guard file.path.utf8.count <= DirectoryLimits.filenameBytesMax else { return nil }
        // Percent-encoded: nothing in it is to be escaped in JSON.
        let url = "\"\(baseURL)/files/\(PercentEncoding.encode(path: file.path))\""
        self.init(
            filename: file.path, size: file.size,
            sha256: file.sha256.flatMap { SHA256Digest(hexadecimal: $0) },
            modified: file.modified.seconds,
            url: url.utf8.count <= DirectoryLimits.urlBytesMax ? url : nil)
    }
}
