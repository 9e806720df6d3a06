/// What brings one file here: from one source after the other (``Fetch``), or from many at once
/// (``Download``).
package protocol Reception: Sendable {
    /// Newest only: who looks seldom sees the present. Ends with the reception.
    var progress: AsyncStream<FetchProgress> { get }
    /// Bytes of the file that are on this host's disk now.
    var receivedBytes: Int64 { get }

    /// Runs to the end. To be called once. Cancelling its task leaves the partial file, and the next
    /// reception continues it.
    func run() async throws(FetchError) -> FetchResult
}

extension Fetch: Reception {}
extension Download: Reception {}
