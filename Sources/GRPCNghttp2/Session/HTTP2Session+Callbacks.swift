import CNghttp2

/// The C side: each callback finds the session in the user data and calls one method of it.
///
/// Return codes that libnghttp2 accepts: 0 everywhere; TEMPORAL_CALLBACK_FAILURE resets the stream (not
/// allowed for data chunks); anything else is fatal for the connection, and none of these returns it.
/// Pointers that are passed in belong to libnghttp2 and are valid during the call.
extension HTTP2Session {
    static func makeSession(role: Role) -> OpaquePointer {
        var callbacks: OpaquePointer?
        var options: OpaquePointer?
        var session: OpaquePointer?
        // These fail for want of memory alone.
        precondition(nghttp2_session_callbacks_new(&callbacks) == 0, "nghttp2: out of memory")
        precondition(nghttp2_option_new(&options) == 0, "nghttp2: out of memory")
        defer {
            nghttp2_session_callbacks_del(callbacks)
            nghttp2_option_del(options)
        }
        register(in: callbacks)
        // Windows grow when the application has taken the bytes, not when they arrive.
        nghttp2_option_set_no_auto_window_update(options, 1)
        // Closed streams are kept for priorities alone, which gRPC does not use.
        nghttp2_option_set_no_closed_streams(options, 1)
        let result =
            switch role {
            case .client: nghttp2_session_client_new2(&session, callbacks, nil, options)
            case .server: nghttp2_session_server_new2(&session, callbacks, nil, options)
            }
        guard result == 0, let session else {
            preconditionFailure("nghttp2: \(HTTP2ConnectionError(code: result))")
        }
        return session
    }

    /// A body that is asked of the delegate frame by frame.
    static func bodyFromDelegate() -> nghttp2_data_provider {
        var provider = nghttp2_data_provider()
        // Called for the next frame: a length, DEFERRED, or TEMPORAL_CALLBACK_FAILURE.
        provider.read_callback = { _, stream, _, length, flags, _, userData in
            guard let flags else { return Int(NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE.rawValue) }
            return HTTP2Session.from(userData).planData(
                stream, limit: length, flags: &flags.pointee)
        }
        return provider
    }

    private static func from(_ userData: UnsafeMutableRawPointer?) -> HTTP2Session {
        guard let userData else { preconditionFailure("nghttp2 called back without its user data") }
        return Unmanaged<HTTP2Session>.fromOpaque(userData).takeUnretainedValue()
    }

    private static func register(in callbacks: OpaquePointer?) {
        nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks) { _, frame, userData in
            guard let frame else { return 0 }
            HTTP2Session.from(userData).beginHeaders(frame.pointee.hd.stream_id)
            return 0
        }
        nghttp2_session_callbacks_set_on_header_callback(callbacks) {
            _, frame, name, nameCount, value, valueCount, _, userData in
            guard let frame else { return 0 }
            let field = HeaderField(
                name: String(
                    decoding: UnsafeBufferPointer(start: name, count: nameCount), as: UTF8.self),
                value: String(
                    decoding: UnsafeBufferPointer(start: value, count: valueCount), as: UTF8.self))
            let fits = HTTP2Session.from(userData).addHeader(frame.pointee.hd.stream_id, field)
            return fits ? 0 : NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE.rawValue
        }
        nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks) { _, frame, userData in
            guard let frame else { return 0 }
            HTTP2Session.from(userData).frameReceived(frame.pointee)
            return 0
        }
        nghttp2_session_callbacks_set_on_frame_send_callback(callbacks) { _, frame, userData in
            guard let frame else { return 0 }
            HTTP2Session.from(userData).frameSent(frame.pointee.hd)
            return 0
        }
        nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks) {
            _, _, stream, data, count, userData in
            HTTP2Session.from(userData).dataReceived(
                stream, address: Int(bitPattern: data), count: count)
            return 0
        }
        nghttp2_session_callbacks_set_on_stream_close_callback(callbacks) {
            _, stream, code, userData in
            HTTP2Session.from(userData).streamClosed(stream, code: code)
            return 0
        }
        // Called right after the read callback planned `count` bytes: `header` is the 9-byte frame
        // header. Padding is never asked for, so the payload is all that follows.
        nghttp2_session_callbacks_set_send_data_callback(callbacks) {
            _, frame, header, count, _, userData in
            guard let frame, let header else {
                return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE.rawValue
            }
            let written = HTTP2Session.from(userData).writeData(
                frame.pointee.hd.stream_id, header: UnsafeRawBufferPointer(start: header, count: 9),
                count: count)
            return written ? 0 : NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE.rawValue
        }
        // Without it frames stay at 16 KiB whatever the other side accepts.
        nghttp2_session_callbacks_set_data_source_read_length_callback(callbacks) {
            _, _, _, connectionWindow, streamWindow, remoteFrameBytesMax, userData in
            let frameMax = min(Int(remoteFrameBytesMax), HTTP2Session.sendFrameBytesMax)
            return min(Int(connectionWindow), Int(streamWindow), frameMax)
        }
    }

    /// Largest DATA frame that is sent, in bytes, so that a small call waits behind no more than this.
    private static let sendFrameBytesMax = 256 * 1024

    private func frameReceived(_ frame: nghttp2_frame) {
        let header = frame.hd
        let endStream = header.flags & UInt8(NGHTTP2_FLAG_END_STREAM.rawValue) != 0
        switch UInt32(header.type) {
        case NGHTTP2_HEADERS.rawValue:
            endHeaders(header.stream_id, endStream: endStream)
        case NGHTTP2_DATA.rawValue where endStream:
            delegate.endReceived(on: header.stream_id)
        case NGHTTP2_GOAWAY.rawValue:
            delegate.goawayReceived()
        case NGHTTP2_PING.rawValue where header.flags & UInt8(NGHTTP2_FLAG_ACK.rawValue) != 0:
            delegate.pingAnswered()
        default:
            break
        }
    }
}
