import CNghttp2
import NIOCore

/// One end of an HTTP/2 connection: bytes in, facts to the delegate, bytes out (RFC 9113).
///
/// Wraps an `nghttp2_session`. Not `Sendable`: it lives on the event loop of its connection, and dies
/// with it. Nothing here does I/O: the owner feeds what the socket gave and writes what ``fill(_:)`` gives.
///
/// Ownership: the session keeps an unretained pointer to this object as its user data, so the
/// callbacks below may run only while a method of this object is on the stack, which is also
/// the only time when libnghttp2 runs.
final class HTTP2Session {
    enum Role {
        case client
        case server
    }

    /// The settings announced to the other side, and the limits held against it.
    struct Limits {
        /// SETTINGS_MAX_CONCURRENT_STREAMS.
        var streamsMax: UInt32
        /// SETTINGS_INITIAL_WINDOW_SIZE in bytes: what one stream may send before it is read.
        var streamWindowBytes: Int32
        /// The connection's receive window in bytes.
        var connectionWindowBytes: Int32
        /// SETTINGS_MAX_FRAME_SIZE in bytes, 16,384 to 16,777,215.
        var frameBytesMax: UInt32
        /// Largest header list in bytes, counted as RFC 9113 §6.5.2 does (32 bytes a field on top).
        var headerBytesMax: Int
        /// Most fields of one header list, cookies counted.
        var headerFieldsMax: Int
        var conduct = ConductLimits()
    }

    unowned let delegate: any HTTP2SessionDelegate
    let role: Role
    let limits: Limits
    /// What is being filled, during ``fill(_:)`` alone.
    private var output = OutputBlock()
    /// The DATA frame that was planned, until its header is known.
    private var dataFrame: DataFrame?

    /// What ``receive(_:)`` is being fed: data chunks are handed on as slices of it.
    private var input = ByteBuffer()
    /// Start address of `input`'s readable bytes, valid during ``receive(_:)`` alone.
    private var inputBase = 0
    private var headerLists: [Int32: HeaderList] = [:]
    /// Of the field sections of streams that are open.
    private var headerBytes: [Int32: Int] = [:]
    private var headerBytesHeld = 0
    private var scanner: FrameScanner
    private var meter: FrameMeter
    /// When what is being fed arrived.
    private var now = NIODeadline.uptimeNanoseconds(0)
    /// What a callback has ended the feeding for, or is to end it when more comes.
    private var failure: HTTP2ConnectionError?
    private var pastStreams = PastStreams()
    /// A GOAWAY is out: streams of later numbers are dropped, as the other side knows.
    private var isEnding = false
    /// Streams whose RST_STREAM is on its way and counted, or this side's own wish. Bounded by the streams
    /// that are open and the bucket of `provokedResets`.
    private var accountedResets: Set<Int32> = []
    private let session: OpaquePointer

    init(
        role: Role, limits: Limits, delegate: any HTTP2SessionDelegate
    ) {
        self.delegate = delegate
        self.role = role
        self.limits = limits
        // RFC 9113 §3.4: a client begins with 24 octets that are no frame.
        scanner = FrameScanner(prefaceBytes: role == .server ? 24 : 0)
        meter = FrameMeter(limits.conduct, frameBytesMax: Int(limits.frameBytesMax))
        self.session = Self.makeSession(role: role)
        setUserData()
        announceSettings()
    }

    deinit {
        nghttp2_session_del(session)
    }

    // MARK: - In

    /// Feeds bytes from the socket, up to the frame that is one too many.
    ///
    /// - Throws: ``HTTP2ConnectionError`` when the connection cannot go on: ``end(_:_:)`` it.
    func receive(_ buffer: ByteBuffer, now: NIODeadline) throws(HTTP2ConnectionError) {
        self.now = now
        var refused: Misconduct?
        let allowed = scanner.scan(buffer.readableBytesView) { frame in
            refused = meter.received(frame, now: now)
            // libnghttp2 drops DATA of closed streams without a callback.
            return refused == nil
                && (frame.kind != .data || beginFrame(on: frame.stream, isHeaders: false))
        }
        try feed(buffer.getSlice(at: buffer.readerIndex, length: allowed) ?? ByteBuffer())
        if let refused { fail(refused) }
        try throwFailure()
    }

    private func throwFailure() throws(HTTP2ConnectionError) {
        if let failure = failure.take() { throw failure }
    }

    private func feed(_ buffer: ByteBuffer) throws(HTTP2ConnectionError) {
        input = buffer
        defer { input = ByteBuffer() }
        let consumed = buffer.withUnsafeReadableBytes { bytes in
            inputBase = Int(bitPattern: bytes.baseAddress)
            return nghttp2_session_mem_recv(
                session, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), bytes.count)
        }
        guard consumed == buffer.readableBytes else {
            try throwFailure()
            throw HTTP2ConnectionError(code: Int32(truncatingIfNeeded: consumed))
        }
    }

    /// What the other side has begun and not finished.
    var unfinished: FrameScanner.Unfinished? { scanner.unfinished }

    /// False when both sides are done and the connection may be closed.
    var isAlive: Bool {
        nghttp2_session_want_read(session) != 0 || nghttp2_session_want_write(session) != 0
    }

    // MARK: - Out

    /// Serialises pending frames into `block` until it is full, a frame ends with a piece of a file, or
    /// nothing is pending.
    ///
    /// What is then in `block` is to be written before the next call.
    ///
    /// - Returns: Whether more may be pending.
    func fill(_ block: inout OutputBlock) throws(HTTP2ConnectionError) -> Bool {
        swap(&output, &block)
        defer { swap(&output, &block) }
        let isMore = try serialize()
        // What is in the block goes out with the GOAWAY.
        try throwFailure()
        return isMore
    }

    private func serialize() throws(HTTP2ConnectionError) -> Bool {
        while !output.isFull {
            var frame: UnsafePointer<UInt8>?
            let before = output.bytes.readableBytes
            // Frames other than DATA come back as bytes, valid until the next call. DATA frames are laid
            // out by the callbacks, and end the call: see `layData`.
            let count = nghttp2_session_mem_send(session, &frame)
            if count < 0 {
                throw HTTP2ConnectionError(code: Int32(truncatingIfNeeded: count))
            }
            if count == 0 {
                if output.bytes.readableBytes == before { return false }
                continue
            }
            output.bytes.writeBytes(UnsafeRawBufferPointer(start: frame, count: count))
        }
        return true
    }

    /// Opens a stream as a client; its body comes from the delegate.
    ///
    /// - Returns: The stream's id.
    func submitRequest(_ fields: [HeaderField]) throws(HTTP2ConnectionError) -> Int32 {
        let id = HeaderField.withNameValues(fields) { pairs, count in
            var provider = Self.bodyFromDelegate()
            return nghttp2_submit_request(session, nil, pairs, count, &provider, nil)
        }
        guard id > 0 else { throw HTTP2ConnectionError(code: id) }
        return id
    }

    /// Answers a stream: with a body from the delegate, or with the fields alone.
    func submitResponse(_ fields: [HeaderField], on stream: Int32, endStream: Bool) {
        _ = HeaderField.withNameValues(fields) { pairs, count in
            if endStream {
                return nghttp2_submit_response(session, stream, pairs, count, nil)
            }
            var provider = Self.bodyFromDelegate()
            return nghttp2_submit_response(session, stream, pairs, count, &provider)
        }
    }

    /// Asks the delegate again for a stream whose body had nothing to send.
    func resume(_ stream: Int32) {
        // INVALID_ARGUMENT when it was not deferred, which is as good.
        _ = nghttp2_session_resume_data(session, stream)
    }

    func reset(_ stream: Int32, _ code: HTTP2ErrorCode) {
        accountedResets.insert(stream)
        _ = nghttp2_submit_rst_stream(
            session, UInt8(NGHTTP2_FLAG_NONE.rawValue), stream, code.rawValue)
    }

    /// Gives the sender of a stream credit for `count` bytes that the application has taken.
    func creditStream(_ stream: Int32, _ count: Int) {
        _ = nghttp2_session_consume_stream(session, stream, count)
    }

    /// First step of an orderly end: no new streams, those that are on their way still count.
    func announceShutdown() {
        _ = nghttp2_submit_shutdown_notice(session)
    }

    /// Second step: refuses everything after the last stream that was taken.
    func submitGoaway(_ code: HTTP2ErrorCode) {
        _ = nghttp2_submit_goaway(
            session, UInt8(NGHTTP2_FLAG_NONE.rawValue),
            nghttp2_session_get_last_proc_stream_id(session), code.rawValue, nil, 0)
    }

    /// Refuses everything from now on, and says why.
    func end(_ code: HTTP2ErrorCode, because reason: String) {
        let reason = Array(reason.utf8)
        _ = nghttp2_submit_goaway(
            session, UInt8(NGHTTP2_FLAG_NONE.rawValue),
            nghttp2_session_get_last_proc_stream_id(session), code.rawValue, reason, reason.count)
    }

    func ping(_ ping: HTTP2Ping) {
        withUnsafeBytes(of: ping.rawValue.bigEndian) { bytes in
            _ = nghttp2_submit_ping(
                session, UInt8(NGHTTP2_FLAG_NONE.rawValue),
                bytes.bindMemory(to: UInt8.self).baseAddress)
        }
    }

    /// Set once a client may open no more streams here: GOAWAY came, or ids ran out.
    var acceptsRequests: Bool {
        nghttp2_session_check_request_allowed(session) != 0
    }

    private func announceSettings() {
        let settings: [(nghttp2_settings_id, UInt32)] = [
            (NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, limits.streamsMax),
            (NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, UInt32(limits.streamWindowBytes)),
            (NGHTTP2_SETTINGS_MAX_FRAME_SIZE, limits.frameBytesMax),
            (NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, UInt32(limits.headerBytesMax)),
            (NGHTTP2_SETTINGS_ENABLE_PUSH, 0),
        ]
        let entries = settings.map {
            nghttp2_settings_entry(settings_id: Int32($0.0.rawValue), value: $0.1)
        }
        _ = nghttp2_submit_settings(
            session, UInt8(NGHTTP2_FLAG_NONE.rawValue), entries, entries.count)
        _ = nghttp2_session_set_local_window_size(
            session, UInt8(NGHTTP2_FLAG_NONE.rawValue), 0, limits.connectionWindowBytes)
    }

    private func setUserData() {
        nghttp2_session_set_user_data(session, Unmanaged.passUnretained(self).toOpaque())
    }
}

// MARK: - What libnghttp2 reports, as called by HTTP2Session+Callbacks.swift

extension HTTP2Session {
    /// HEADERS or DATA begin on a stream, which may be none any more.
    ///
    /// - Returns: False when the connection must end.
    func beginFrame(on stream: Int32, isHeaders: Bool) -> Bool {
        guard case .server = role, !isEnding, nghttp2_session_find_stream(session, stream) == nil
        else { return true }
        switch pastStreams.received(on: stream, isHeaders: isHeaders) {
        case .fine: break
        case .closed: failure = HTTP2ConnectionError(code: NGHTTP2_ERR_STREAM_CLOSED.rawValue)
        case .skipped: failure = HTTP2ConnectionError(code: NGHTTP2_ERR_PROTO.rawValue)
        }
        return failure == nil
    }

    func beginHeaders(_ stream: Int32) {
        headerLists[stream] = HeaderList()
    }

    /// - Returns: False when the connection must end.
    func addHeader(_ stream: Int32, octets: Int, _ field: () -> HeaderField) -> Bool {
        let verdict = headerLists[stream]?.add(
            octets: octets, bytesMax: limits.headerBytesMax, fieldsMax: limits.headerFieldsMax,
            field)
        if case .hopeless = verdict { fail(.headerListTooLarge) }
        return failure == nil
    }

    /// - Returns: False when the connection must end.
    func endHeaders(_ stream: Int32, endStream: Bool) -> Bool {
        guard let list = headerLists.removeValue(forKey: stream) else { return true }
        if list.isTooLarge {
            delegate.headerListRefused(list.fields, on: stream)
            return provoked()
        }
        guard headerBytesHeld + list.bytes <= limits.conduct.headerBytesHeldMax else {
            reset(stream, .enhanceYourCalm)
            return provoked()
        }
        headerBytesHeld += list.bytes
        headerBytes[stream, default: 0] += list.bytes
        delegate.headersReceived(list.fields, on: stream, endStream: endStream)
        return true
    }

    /// libnghttp2 resets a stream, or ends the connection, for what came on it.
    ///
    /// - Returns: False when the connection must end.
    func resetProvoked(on stream: Int32) -> Bool {
        accountedResets.insert(stream)
        pastStreams.wasReset(stream)
        return provoked()
    }

    private func provoked() -> Bool {
        if let excess = meter.provoked(now: now) { fail(excess) }
        return failure == nil
    }

    private func fail(_ misconduct: Misconduct) {
        failure = HTTP2ConnectionError(code: 0, misconduct: misconduct)
    }

    func dataReceived(_ stream: Int32, address: Int, count: Int) {
        // The connection's window is a bound on what is under way, not on what is unread: each stream
        // has its own, and one that is not read must not hold up the others.
        _ = nghttp2_session_consume_connection(session, count)
        delegate.dataMoved(on: stream, bytes: count)
        let offset = input.readerIndex + (address - inputBase)
        guard let slice = input.getSlice(at: offset, length: count) else {
            preconditionFailure("data chunk outside the input: \(offset)+\(count) of \(input)")
        }
        delegate.dataReceived(slice, on: stream)
    }

    func frameSent(_ frame: nghttp2_frame) {
        let header = frame.hd
        switch UInt32(header.type) {
        case NGHTTP2_HEADERS.rawValue:
            meter.sentHeaders()
            delegate.messageFrameSent()
            if case .client = role { meter.sentRequest() }
            endRequest(header)
        case NGHTTP2_DATA.rawValue:
            meter.sentData(bytes: header.length)
            delegate.messageFrameSent()
            delegate.dataMoved(on: header.stream_id, bytes: header.length)
            endRequest(header)
        case NGHTTP2_RST_STREAM.rawValue:
            resetSent(on: header.stream_id, HTTP2ErrorCode(rawValue: frame.rst_stream.error_code))
        case NGHTTP2_GOAWAY.rawValue:
            isEnding = true
            if frame.goaway.error_code != HTTP2ErrorCode.noError.rawValue {
                delegate.connectionErrorSent()
            }
        default:
            break
        }
    }

    /// A server that has answered in full wants no more of the request (RFC 9113 §8.1).
    private func endRequest(_ header: nghttp2_frame_hd) {
        let endsStream = header.flags & UInt8(NGHTTP2_FLAG_END_STREAM.rawValue) != 0
        guard case .server = role, endsStream,
            nghttp2_session_get_stream_remote_close(session, header.stream_id) == 0
        else { return }
        reset(header.stream_id, .noError)
    }

    /// For what came as DATA or SETTINGS libnghttp2 resets streams without a callback: they are counted here,
    /// when no more of them can have been than streams are open, and ``fill(_:)`` throws.
    private func resetSent(on stream: Int32, _ code: HTTP2ErrorCode) {
        pastStreams.wasReset(stream)
        guard accountedResets.remove(stream) == nil else { return }
        switch code {
        case .internalError:
            // A body of ours that could not be had.
            break
        case .flowControlError:
            // RFC 9113 §6.9.2: windows that a setting lifts too far are the connection's error. Those that DATA
            // has overrun may be (§6.9.1).
            failure = HTTP2ConnectionError(code: NGHTTP2_ERR_FLOW_CONTROL.rawValue)
        default:
            _ = provoked()
        }
    }

    func streamClosed(_ stream: Int32, code: UInt32) {
        headerLists[stream] = nil
        headerBytesHeld -= headerBytes.removeValue(forKey: stream) ?? 0
        let code = HTTP2ErrorCode(rawValue: code)
        if code == .noError { meter.streamEndedWell() }
        delegate.streamClosed(stream, code: code)
    }

    /// Lays out the payload of the next DATA frame behind room for its header, and submits the trailers
    /// when it is the last.
    ///
    /// - Returns: Its length, or the error code that the read callback is to return.
    func planData(_ stream: Int32, limit: Int, flags: inout UInt32) -> Int {
        var frame = output.takeFrame(limit: limit)
        let plan = delegate.fill(&frame, on: stream)
        switch plan {
        case .deferred, .failed:
            output.discard(&frame)
            if case .failed = plan { return Int(NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE.rawValue) }
            return Int(NGHTTP2_ERR_DEFERRED.rawValue)
        case .more:
            flags |= UInt32(NGHTTP2_DATA_FLAG_NO_COPY.rawValue)
        case .last(let trailers):
            flags |= UInt32(NGHTTP2_DATA_FLAG_NO_COPY.rawValue | NGHTTP2_DATA_FLAG_EOF.rawValue)
            if let trailers {
                flags |= UInt32(NGHTTP2_DATA_FLAG_NO_END_STREAM.rawValue)
                _ = HeaderField.withNameValues(trailers) { pairs, pairCount in
                    nghttp2_submit_trailer(session, stream, pairs, pairCount)
                }
            }
        }
        guard frame.count > 0 else {
            // libnghttp2 leaves an empty frame out when trailers follow it.
            output.discard(&frame)
            return 0
        }
        dataFrame = frame
        return frame.count
    }

    /// Sets the header before the payload that ``planData(_:limit:flags:)`` has laid out: libnghttp2 asks
    /// for both in one go.
    func layData(header: UnsafeRawBufferPointer, count: Int) {
        guard count > 0 else {
            output.bytes.writeBytes(header)
            return
        }
        guard var frame = dataFrame.take(), frame.count == count else {
            preconditionFailure("nghttp2: a frame of \(count) bytes that was not planned")
        }
        output.put(&frame, header: header)
    }
}
