import CNghttp2

/// RFC 9113 §7.
struct HTTP2ErrorCode: RawRepresentable, Hashable, Sendable {
    var rawValue: UInt32

    static let noError = HTTP2ErrorCode(rawValue: 0x0)
    static let protocolError = HTTP2ErrorCode(rawValue: 0x1)
    static let internalError = HTTP2ErrorCode(rawValue: 0x2)
    static let flowControlError = HTTP2ErrorCode(rawValue: 0x3)
    static let streamClosed = HTTP2ErrorCode(rawValue: 0x5)
    static let refusedStream = HTTP2ErrorCode(rawValue: 0x7)
    static let cancel = HTTP2ErrorCode(rawValue: 0x8)
    static let enhanceYourCalm = HTTP2ErrorCode(rawValue: 0xb)
    static let inadequateSecurity = HTTP2ErrorCode(rawValue: 0xc)
}

/// The connection cannot go on. The other side's fault, except `NGHTTP2_ERR_NOMEM`.
struct HTTP2ConnectionError: Error, CustomStringConvertible {
    /// One of `nghttp2_error`.
    let code: Int32
    /// What was counted here, and not by libnghttp2.
    var misconduct: Misconduct?

    /// As RFC 9113 §7 would call it.
    var errorCode: HTTP2ErrorCode {
        switch code {
        case _ where misconduct != nil: .enhanceYourCalm
        case NGHTTP2_ERR_FLOODED.rawValue: .enhanceYourCalm
        case NGHTTP2_ERR_FLOW_CONTROL.rawValue: .flowControlError
        case NGHTTP2_ERR_STREAM_CLOSED.rawValue: .streamClosed
        case NGHTTP2_ERR_NOMEM.rawValue, NGHTTP2_ERR_CALLBACK_FAILURE.rawValue: .internalError
        default: .protocolError
        }
    }

    var description: String {
        "HTTP/2: " + (misconduct?.explanation ?? String(cString: nghttp2_strerror(code)))
    }
}
