import NIOCore

/// The bounds on time, and on what one stream may cost (docs/decisions/0039).
extension HTTP2ConnectionHandler {
    func watchUnfinished() {
        guard let session, let context else { return }
        watch.note(session.unfinished, now: context.eventLoop.now)
        if watch.isNeeded { startWatching() }
    }

    /// Looks at this connection from time to time, for as long as there is something to look at.
    func startWatching() {
        guard !watch.isTicking, let context else { return }
        watch.isTicking = true
        context.eventLoop.assumeIsolated().scheduleTask(in: watch.tick) {
            self.watch.isTicking = false
            self.look()
        }
    }

    private func look() {
        guard let context, session != nil else { return }
        let now = context.eventLoop.now
        if let slow = watch.slow(now: now) {
            return end(slow, .enhanceYourCalm, slow.explanation)
        }
        let unsent = unsentBytes(context.channel)
        if watch.isStalled(unsent: unsent, now: now) {
            return end(
                .stalledConnection, .enhanceYourCalm, Misconduct.stalledConnection.explanation)
        }
        // While the socket takes nothing, no stream is to blame.
        let waiting =
            unsent == nil ? streams.filter { $0.value.isWaiting }.map(\.key).sorted() : []
        for stream in watch.stalled(among: waiting, now: now) {
            onMisconduct?(.stalledStream)
            reset(stream, .enhanceYourCalm)
        }
        if watch.isNeeded || !streams.isEmpty { startWatching() }
    }

    /// nil while the socket takes what it is given; else a number that falls by what it takes.
    private func unsentBytes(_ channel: any Channel) -> Int? {
        guard let writer, !writer.isReady else { return nil }
        do {
            let pending = try channel.syncOptions?.getOption(.bufferedWritableBytes)
            return pending.map { $0 + writer.fileBytesLeft - writer.bytesGiven }
        } catch {
            // A channel of another kind, which does not say: its streams are watched.
            return nil
        }
    }

    func dataMoved(on stream: Int32, bytes: Int) {
        watch.moved(stream, bytes: bytes)
    }

    /// Answers a request whose field section is too large, as RFC 6585 §5 or gRPC's statuses have it. A client, and
    /// a stream that is known, have no answer to give.
    func headerListRefused(_ fields: [HeaderField], on stream: Int32) {
        onMisconduct?(.headerListRefused)
        guard isServer, streams[stream] == nil else {
            session?.reset(stream, .enhanceYourCalm)
            return
        }
        let isCall =
            MetadataFields.value("content-type", in: fields)?
            .hasPrefix("application/grpc") == true
        let answer =
            isCall
            ? [
                HeaderField(":status", "200"), MetadataFields.contentType,
                HeaderField("grpc-status", "8"),
                HeaderField("grpc-message", Misconduct.headerListRefused.explanation),
            ] : [HeaderField(":status", "431"), HeaderField("content-length", "0")]
        session?.submitResponse(answer, on: stream, endStream: true)
    }
}
