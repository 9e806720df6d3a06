import NIOCore
import RootedFiles

/// Calls to sources: their bytes become pieces, proved and written.
extension Download {
    /// It was told to stop; the plan knows.
    private struct Stopped: Error {}

    func receiveManifest(
        _ request: Int, of candidate: FetchCandidate, until stop: AsyncStream<Void>
    ) async {
        guard let reader = state.withLock({ $0.readers[candidate.id] }) else {
            preconditionFailure("\(candidate) is asked for a manifest without a way to it")
        }
        let assembly = PageAssembly(size: candidate.size)
        do {
            try await unlessStopped(stop) { [sha256] in
                try await reader.manifest(sha256: sha256, path: candidate.path) { page in
                    try assembly.append(page)
                    self.send(.bytesReceived(request: request, count: page.digests.count))
                }
            }
            let manifest = try assembly.manifest()
            state.withLock { $0.received = manifest }
            send(.manifestReceived(request: request))
        } catch {
            end(request, of: candidate, error)
        }
    }

    func receive(
        _ pieces: Range<Int>, _ request: Int, of candidate: FetchCandidate,
        until stop: AsyncStream<Void>
    ) async {
        let (known, manifest, way) = state.withLock { state in
            (state.layout, state.manifest, state.readers[candidate.id])
        }
        guard let layout = known, let reader = way else {
            preconditionFailure("\(candidate) is asked for pieces of nothing")
        }
        let assembly = PieceAssembly(layout: layout, pieces: pieces)
        let (complete, continuation) = AsyncStream<PieceAssembly.Piece>.makeStream()
        async let stored: Void = store(complete, by: manifest, request, of: candidate)
        let end = await outcome {
            try await self.unlessStopped(stop) { [sha256, budget] in
                try await reader.read(
                    sha256: sha256, path: candidate.path, range: layout.bytes(of: pieces)
                ) { chunks in
                    let count = chunks.reduce(0) { $0 + $1.readableBytes }
                    self.received.wrappingAdd(Int64(count), ordering: .relaxed)
                    self.send(.bytesReceived(request: request, count: count))
                    self.hold(request)
                    defer { self.letGo(request) }
                    for chunk in chunks {
                        for piece in try await assembly.take(chunk, begin: budget.take) {
                            self.hold(request)
                            continuation.yield(piece)
                        }
                    }
                }
            }
        }
        continuation.finish()
        await stored
        if assembly.isWithinPiece { budget.giveBack() }
        switch end {
        case .success: send(.requestEnded(request: request))
        case .failure(let error): self.end(request, of: candidate, error)
        }
    }

    private func outcome(_ work: () async throws -> Void) async -> Result<Void, any Error> {
        do {
            return .success(try await work())
        } catch {
            return .failure(error)
        }
    }

    /// Runs `body` until it returns or `stop` ends.
    private func unlessStopped(
        _ stop: AsyncStream<Void>, _ body: @escaping @Sendable () async throws -> Void
    ) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask(operation: body)
            group.addTask {
                for await _ in stop {}
                throw Stopped()
            }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    /// Proves and writes the pieces, each as soon as it is whole.
    private func store(
        _ pieces: AsyncStream<PieceAssembly.Piece>, by manifest: Manifest?, _ request: Int,
        of candidate: FetchCandidate
    ) async {
        await withDiscardingTaskGroup { group in
            for await piece in pieces {
                group.addTask {
                    await self.store(piece, by: manifest, request, of: candidate)
                    self.letGo(request)
                }
            }
        }
    }

    private func store(
        _ piece: PieceAssembly.Piece, by manifest: Manifest?, _ request: Int,
        of candidate: FetchCandidate
    ) async {
        do {
            let isRight = try await prove(piece, by: manifest)
            guard isRight else {
                budget.giveBack()
                return send(.pieceMismatched(request: request, piece: piece.number))
            }
            try await write(piece)
            stored(piece, request, of: candidate)
        } catch {
            budget.giveBack()
            fail(error)
        }
    }

    private func prove(
        _ piece: PieceAssembly.Piece, by manifest: Manifest?
    ) async throws -> Bool {
        guard let manifest else { return true }
        return try await offCooperativePool { manifest.fits(piece) }
    }

    /// One at a time: a second writer would only spin for the file's lock, on a processor that the
    /// SHA-256 and the network need.
    private func write(_ piece: PieceAssembly.Piece) async throws {
        await writing.take()
        defer { writing.giveBack() }
        try await offCooperativePool { [destination] in
            var offset = piece.range.lowerBound
            for chunk in piece.chunks {
                try destination.write(chunk.readableBytesSpan, at: offset)
                offset += Int64(chunk.readableBytes)
            }
        }
    }

    /// Tells the plan how a call failed.
    private func end(_ request: Int, of candidate: FetchCandidate, _ error: any Error) {
        let reason: FetchReason
        switch error {
        case is Stopped, is CancellationError: return
        case is PieceAssembly.TooMuch: reason = .sentTooMuch
        case is ManifestFault: reason = .badManifest
        case let error as FileSourceError where error.kind == .refused:
            reason = .refused(error.reason)
        case let error as FileSourceError: reason = .failed(error.reason)
        default: reason = .failed("\(error)")
        }
        guard state.withLock({ $0.plan.isOpen(request) }) else { return }
        // Bans are told by the plan.
        if reason != .sentTooMuch, reason != .badManifest { log(candidate, reason) }
        send(.requestFailed(request: request, reason))
    }
}
