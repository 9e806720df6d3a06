import Glibc

/// One client's connection: reads a call, has it handled, writes its replies, and so on.
struct Connection: Sendable {
    let socket: UnixSocket
    let listener: String
    let interfaces: [String: any VarlinkInterface]
    let methods: [String: Set<String>]
    let limits: VarlinkService.Limits
    let poller: Poller

    /// How long a call may follow its connection when the service drains.
    private static let firstCallLimit = Duration.seconds(1)

    /// What a call came to.
    private enum Answer: Sendable {
        case reply(VarlinkReply)
        case error(VarlinkError)
        case end(ConnectionEnd)
    }

    /// Serves until the client ends the stream, or the service drains and no call is at work.
    ///
    /// - Throws: Why it ended otherwise; either way the socket closes with its last reference.
    func serve() async throws(ConnectionEnd) {
        let writer = ReplyWriter(socket: socket, poller: poller, stallLimit: limits.stallLimit)
        let peer = socket.peerCredentials()
        var framing = MessageFraming(
            bytesMax: limits.messageBytesMax, descriptorsMax: limits.descriptorsMax)
        var isFirst = true
        while let message = try await nextMessage(from: &framing, isFirst: isFirst) {
            isFirst = false
            try await answer(Self.header(of: message), message, peer: peer, writer: writer)
        }
    }

    private static func header(of message: Message) throws(ConnectionEnd) -> CallHeader {
        do {
            return try decodeMessage(CallHeader.self, from: message.bytes)
        } catch {
            throw .malformed(String(describing: error))
        }
    }

    /// - Parameter isFirst: A client that was let in may be about to send its call, which is waited for
    ///   also when the service drains, for ``firstCallLimit``.
    /// - Returns: `nil` at the end of the stream, or when the service drains.
    private func nextMessage(
        from framing: inout MessageFraming, isFirst: Bool
    ) async throws(ConnectionEnd) -> Message? {
        while true {
            if let message = framing.next() { return message }
            switch try receive() {
            case .bytes(let bytes, let descriptors, let truncated):
                try take(bytes, descriptors, truncated, into: &framing)
            case .interrupted:
                continue
            case .endOfStream:
                guard framing.isBetweenMessages else { throw .framing(.endedInsideMessage) }
                return nil
            case .wouldBlock:
                let descriptor = socket.descriptor.rawValue
                var outcome = await poller.wait(
                    for: Int16(POLLIN), on: descriptor, endsOnDrain: true)
                if case .draining = outcome, isFirst {
                    outcome = await poller.wait(
                        for: Int16(POLLIN), on: descriptor, until: .now + Self.firstCallLimit)
                }
                guard case .ready = outcome else { return nil }
            }
        }
    }

    private func receive() throws(ConnectionEnd) -> UnixSocket.Received {
        do {
            return try socket.receive(capacity: 64 * 1024)
        } catch {
            if error.code == ECONNRESET { return .endOfStream }
            throw .system(error)
        }
    }

    private func take(
        _ bytes: [UInt8],
        _ descriptors: [OwnedDescriptor],
        _ truncated: Bool,
        into framing: inout MessageFraming
    ) throws(ConnectionEnd) {
        if truncated { throw .framing(.tooManyDescriptors(limit: limits.descriptorsMax)) }
        do {
            try framing.append(bytes, descriptors: descriptors)
        } catch {
            throw .framing(error)
        }
    }
}

// MARK: - One call

extension Connection {
    private func answer(
        _ header: CallHeader,
        _ message: Message,
        peer: PeerCredentials?,
        writer: ReplyWriter
    ) async throws(ConnectionEnd) {
        let result = await handle(header, message, peer: peer, writer: writer)
        if case .end(let end) = result { throw end }
        if writer.isBroken { throw .clientGone }
        // The service ends, not the work: a client that sees the end of the stream may ask again.
        if case .error = result, Task.isCancelled { throw .cancelled }
        if header.oneway ?? false { return }
        let bytes: [UInt8]
        var descriptors: [OwnedDescriptor] = []
        do {
            switch result {
            case .reply(let reply):
                bytes = try encodeMessage(OutgoingReply(parameters: reply.parameters))
                descriptors = reply.descriptors
            case .error(let error):
                bytes = try error.encoded() + [0]
            case .end(let end):
                throw end
            }
        } catch {
            throw .unencodableReply(method: header.method)
        }
        try await writer.write(bytes, descriptors: descriptors)
    }

    private func handle(
        _ header: CallHeader,
        _ message: Message,
        peer: PeerCredentials?,
        writer: ReplyWriter
    ) async -> Answer {
        let interface: any VarlinkInterface
        switch route(header) {
        case .success(let found): interface = found
        case .failure(let error): return .error(error)
        }
        return await withTaskGroup(of: Answer?.self) { group in
            group.addTask {
                await run(header, message, peer: peer, writer: writer, on: interface)
            }
            // Who asked for no reply may leave before the work is done.
            if !(header.oneway ?? false) {
                group.addTask { await watchForHangUp() }
            }
            var answer: Answer?
            // After a hang-up the handler, cancelled, is still waited for.
            while let ended = await group.next() {
                if answer == nil { answer = ended }
                if answer != nil { group.cancelAll() }
            }
            return answer ?? .end(.cancelled)
        }
    }

    private func route(_ header: CallHeader) -> Result<any VarlinkInterface, VarlinkError> {
        guard let dot = header.method.lastIndex(of: ".") else {
            return .failure(.methodNotFound(header.method))
        }
        let name = String(header.method[..<dot])
        guard let interface = interfaces[name] else { return .failure(.interfaceNotFound(name)) }
        guard methods[name]?.contains(String(header.method[dot...].dropFirst())) ?? false else {
            return .failure(.methodNotFound(header.method))
        }
        if header.upgrade ?? false { return .failure(.methodNotImplemented(header.method)) }
        return .success(interface)
    }

    private func run(
        _ header: CallHeader,
        _ message: Message,
        peer: PeerCredentials?,
        writer: ReplyWriter,
        on interface: any VarlinkInterface
    ) async -> Answer {
        let call = VarlinkCall(
            header: header, message: message, peer: peer, listener: listener, writer: writer)
        do {
            return .reply(try await interface.handle(call))
        } catch let error as VarlinkError {
            return .error(error)
        } catch let end as ConnectionEnd {
            return .end(end)
        } catch {
            return .error(interface.error(for: error))
        }
    }

    /// Returns when the client has closed its socket (both halves), or `nil` when cancelled.
    private func watchForHangUp() async -> Answer? {
        switch await poller.wait(for: 0, on: socket.descriptor.rawValue) {
        case .ready: .end(.clientGone)
        case .timedOut, .cancelled, .draining: nil
        }
    }
}
