/// How a client transport connects, and what it takes from its server.
package struct ClientConfiguration: Sendable {
    package var connectTimeout: Duration = .seconds(3)
    /// Largest message that is accepted, in bytes.
    package var messageBytesMax = 4 * 1024 * 1024
    /// What one call may receive before it is read, in bytes; several bandwidth-delay products of a
    /// local network. Raising it costs memory for each slow reader.
    package var streamWindowBytes: Int32 = 2 * 1024 * 1024

    package init() {}

    var sessionLimits: HTTP2Session.Limits {
        HTTP2Session.Limits(
            streamsMax: 0, streamWindowBytes: streamWindowBytes,
            connectionWindowBytes: 16 * 1024 * 1024, frameBytesMax: 1024 * 1024,
            headerBytesMax: 64 * 1024, headerFieldsMax: 128)
    }
}
