import CNghttp2

/// The C side: each callback finds the session in the user data and calls one method of it.
///
/// Pointers that are passed in belong to libnghttp2 and are valid during the call; what is kept is copied.
/// Return codes: 0 goes on. TEMPORAL_CALLBACK_FAILURE resets the stream, where a comment beside the
/// callback allows it. CALLBACK_FAILURE ends `nghttp2_session_mem_recv` at once, in the middle of its input:
/// ``HTTP2Session/receive(_:now:)`` then throws what it failed for. PAUSE is never returned.
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
        // Answers to PING and SETTINGS that wait for the socket; more is FLOODED. The bursts of
        // `ConductLimits` are below it.
        nghttp2_option_set_max_outbound_ack(options, 512)
        // FrameMeter counts both, too, and says why; these stand behind it.
        nghttp2_option_set_stream_reset_rate_limit(options, 1000, 100)
        nghttp2_option_set_max_continuations(options, 32)
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
        // The head of a frame, before it is judged; not of frames whose type is unknown. May return 0 or
        // CALLBACK_FAILURE.
        nghttp2_session_callbacks_set_on_begin_frame_callback(callbacks) { _, head, userData in
            guard let head else { return 0 }
            let type = UInt32(head.pointee.type)
            guard type == NGHTTP2_HEADERS.rawValue || type == NGHTTP2_DATA.rawValue else {
                return 0
            }
            let goesOn = HTTP2Session.from(userData).beginFrame(
                on: head.pointee.stream_id, isHeaders: type == NGHTTP2_HEADERS.rawValue)
            return goesOn ? 0 : NGHTTP2_ERR_CALLBACK_FAILURE.rawValue
        }
        // May return 0, TEMPORAL_CALLBACK_FAILURE or CALLBACK_FAILURE.
        nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks) { _, frame, userData in
            guard let frame else { return 0 }
            HTTP2Session.from(userData).beginHeaders(frame.pointee.hd.stream_id)
            return 0
        }
        // A field of a section that is arriving. May return 0, TEMPORAL_CALLBACK_FAILURE or
        // CALLBACK_FAILURE.
        nghttp2_session_callbacks_set_on_header_callback(callbacks) {
            _, frame, name, nameCount, value, valueCount, _, userData in
            guard let frame else { return 0 }
            let goesOn = HTTP2Session.from(userData).addHeader(
                frame.pointee.hd.stream_id, octets: nameCount + valueCount
            ) {
                HeaderField(
                    name: String(
                        decoding: UnsafeBufferPointer(start: name, count: nameCount), as: UTF8.self),
                    value: String(
                        decoding: UnsafeBufferPointer(start: value, count: valueCount),
                        as: UTF8.self))
            }
            return goesOn ? 0 : NGHTTP2_ERR_CALLBACK_FAILURE.rawValue
        }
        // A whole and valid frame; not for CONTINUATION. May return 0 or CALLBACK_FAILURE.
        nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks) { _, frame, userData in
            guard let frame else { return 0 }
            let goesOn = HTTP2Session.from(userData).frameReceived(frame.pointee)
            return goesOn ? 0 : NGHTTP2_ERR_CALLBACK_FAILURE.rawValue
        }
        // A frame other than DATA for which libnghttp2 has submitted RST_STREAM or GOAWAY. May return 0
        // or CALLBACK_FAILURE.
        nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(callbacks) {
            _, frame, _, userData in
            guard let frame else { return 0 }
            let goesOn = HTTP2Session.from(userData).resetProvoked(
                on: frame.pointee.hd.stream_id)
            return goesOn ? 0 : NGHTTP2_ERR_CALLBACK_FAILURE.rawValue
        }
        // A frame has been serialised. May return 0 or CALLBACK_FAILURE.
        nghttp2_session_callbacks_set_on_frame_send_callback(callbacks) { _, frame, userData in
            guard let frame else { return 0 }
            HTTP2Session.from(userData).frameSent(frame.pointee)
            return 0
        }
        // `data` points into what is being fed. May return 0, CALLBACK_FAILURE or PAUSE.
        nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks) {
            _, _, stream, data, count, userData in
            HTTP2Session.from(userData).dataReceived(
                stream, address: Int(bitPattern: data), count: count)
            return 0
        }
        // The stream's id is forgotten after it. May return 0 or CALLBACK_FAILURE.
        nghttp2_session_callbacks_set_on_stream_close_callback(callbacks) {
            _, stream, code, userData in
            HTTP2Session.from(userData).streamClosed(stream, code: code)
            return 0
        }
        // Called right after the read callback planned `count` bytes: `header` is the 9-byte frame
        // header. Padding is never asked for, so the payload is all that follows. PAUSE: the frame counts as
        // sent, and mem_send returns; with 0 it would go on to the next frame, whatever fits into the block.
        nghttp2_session_callbacks_set_send_data_callback(callbacks) {
            _, _, header, count, _, userData in
            HTTP2Session.from(userData).layData(
                header: UnsafeRawBufferPointer(start: header, count: DataFrame.headerBytes),
                count: count)
            return NGHTTP2_ERR_PAUSE.rawValue
        }
        // Without it frames stay at 16 KiB whatever the other side accepts.
        nghttp2_session_callbacks_set_data_source_read_length_callback(callbacks) {
            _, _, _, connectionWindow, streamWindow, remoteFrameBytesMax, _ in
            min(Int(connectionWindow), Int(streamWindow), Int(remoteFrameBytesMax))
        }
    }

    /// - Returns: False when the connection must end.
    private func frameReceived(_ frame: nghttp2_frame) -> Bool {
        let header = frame.hd
        let endStream = header.flags & UInt8(NGHTTP2_FLAG_END_STREAM.rawValue) != 0
        switch UInt32(header.type) {
        case NGHTTP2_HEADERS.rawValue:
            return endHeaders(header.stream_id, endStream: endStream)
        case NGHTTP2_DATA.rawValue where endStream:
            delegate.endReceived(on: header.stream_id)
        case NGHTTP2_GOAWAY.rawValue:
            let goaway = frame.goaway
            delegate.goawayReceived(
                HTTP2ErrorCode(rawValue: goaway.error_code),
                reason: String(
                    decoding: UnsafeBufferPointer(
                        start: goaway.opaque_data, count: goaway.opaque_data_len),
                    as: UTF8.self))
        case NGHTTP2_PING.rawValue where header.flags & UInt8(NGHTTP2_FLAG_ACK.rawValue) != 0:
            let payload = withUnsafeBytes(of: frame.ping.opaque_data) {
                UInt64(bigEndian: $0.loadUnaligned(as: UInt64.self))
            }
            // An answer to no PING of ours means nothing.
            if let ping = HTTP2Ping(rawValue: payload) { delegate.pingAnswered(ping) }
        case NGHTTP2_PING.rawValue:
            delegate.pingReceived()
        default:
            break
        }
        return true
    }
}
