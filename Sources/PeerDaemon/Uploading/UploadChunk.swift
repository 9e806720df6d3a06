/// A piece of a file that somebody sends, in order.
struct UploadChunk: Sendable {
    /// Of the whole file; may be empty but in the first chunk.
    var name: String
    var bytes: [UInt8]
}
