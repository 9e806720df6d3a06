/// What is taken from outside. Beyond a limit a request is refused with its reason.
package struct DirectoryLimits: Equatable, Sendable {
    package static let accountNameBytesMax = 128
    package static let passwordBytesMax = 1024
    /// A row of a PostgreSQL index holds 2,704 bytes.
    package static let filenameBytesMax = 2048
    /// The JSON of one `url`.
    package static let urlBytesMax = 4096
    package static let urlDepthMax = 16
    package static let contactBytesMax = 512

    /// Files of one peer. Raising it costs about 250 bytes a file while its list is read.
    package var filesPerPeerMax = 250_000
    /// Bytes of a list as it is sent.
    package var listBytesMax = 64 << 20
    /// Elements of one page.
    package var pageMax = 10_000

    package init() {}
}
