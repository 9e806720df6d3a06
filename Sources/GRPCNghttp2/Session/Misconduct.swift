/// What the other side of a connection did that ended it, or one stream of it.
///
/// The bounds are ``ConductLimits``; docs/decisions/0039 has the table. The raw value is what metrics and logs
/// call it.
package enum Misconduct: String, Error, Hashable, Sendable, CaseIterable {
    case pingFlood = "ping-flood"
    case settingsFlood = "settings-flood"
    case emptyDataFlood = "empty-data-flood"
    case windowUpdateFlood = "window-update-flood"
    case otherFrameFlood = "other-frame-flood"
    case resetFlood = "reset-flood"
    case provokedResets = "provoked-resets"
    case continuationFlood = "continuation-flood"
    case headerBlockTooLarge = "header-block-too-large"
    case headerListTooLarge = "header-list-too-large"
    case slowStart = "slow-start"
    case slowHeaders = "slow-headers"
    case stalledConnection = "stalled-connection"
    /// What libnghttp2 ends a connection for by itself (RFC 9113, connection errors).
    case protocolError = "protocol-error"
    /// Of one stream; the connection goes on.
    case headerListRefused = "header-list-refused"
    /// Of one stream; the connection goes on.
    case stalledStream = "stalled-stream"

    /// The debug data of the GOAWAY.
    var explanation: String {
        switch self {
        case .pingFlood: "too_many_pings"
        case .settingsFlood: "too many SETTINGS frames"
        case .emptyDataFlood: "too many DATA frames without data"
        case .windowUpdateFlood: "too many WINDOW_UPDATE frames for what is sent"
        case .otherFrameFlood: "too many PRIORITY, GOAWAY or unknown frames"
        case .resetFlood: "too many RST_STREAM frames"
        case .provokedResets: "too many streams that had to be reset or refused"
        case .continuationFlood: "too many CONTINUATION frames in one field block"
        case .headerBlockTooLarge: "a field block is too large"
        case .headerListTooLarge: "a field section has far too many fields or bytes"
        case .slowStart: "the connection preface took too long"
        case .slowHeaders: "a frame or field block took too long"
        case .stalledConnection: "nothing is read from this connection"
        case .protocolError: "protocol error"
        case .headerListRefused: "a field section is too large"
        case .stalledStream: "nothing moves on a stream"
        }
    }
}
