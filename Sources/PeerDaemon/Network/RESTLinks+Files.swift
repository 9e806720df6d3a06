import AsyncHTTPClient
import FoundationEssentials
import Overlay

extension RESTLinks {
    /// Files that one request asks for; one of ours answers with no more than 10,000.
    static let pageFilesMax = 5000
    /// A list is longer than the other answers.
    static let listTimeout = Duration.seconds(30)

    /// One page of `GET /files`, ordered by path.
    ///
    /// The original's peers know no pages: they send everything, which is then cut to the page.
    ///
    /// - Parameter after: The path before the first that is wanted; empty for the beginning.
    /// - Returns: The files, and where the next page begins.
    func filePage(
        of url: PeerURL, matching text: String, after: String, limit: Int
    ) async throws -> (files: [FoundFile], next: String?) {
        let count = min(limit, Self.pageFilesMax)
        var target = "\(url)/files?limit=\(count)"
        if !text.isEmpty { target += "&query=\(PercentEncoding.encode(path: text))" }
        if !after.isEmpty { target += "&after=\(PercentEncoding.encode(path: after))" }
        let document: FileListDocument = try await send(
            HTTPClientRequest(url: target), timeout: Self.listTimeout)
        let wanted = text.lowercased()
        let files = document.files.filter {
            ($0.path ?? $0.name) > after
                && (wanted.isEmpty || $0.name.lowercased().contains(wanted))
        }.map { entry in
            FoundFile(
                path: entry.path ?? entry.name, size: entry.size,
                modified: Self.nanoseconds(entry.modified),
                sha256: entry.checksum.flatMap { $0.utf8.count == 64 ? $0.lowercased() : nil })
        }
        guard document.next == nil else { return (files, document.next) }
        return (files.sorted { $0.path < $1.path }, nil)
    }

    /// Of a time as RFC 3339 has it; 0 where a peer does not tell it.
    private static func nanoseconds(_ time: String?) -> Int64 {
        guard let time else { return 0 }
        do {
            let seconds = try Date(time, strategy: .iso8601).timeIntervalSince1970
            return abs(seconds) < 9e9 ? Int64(seconds) * 1_000_000_000 : 0
        } catch {
            return 0
        }
    }
}
