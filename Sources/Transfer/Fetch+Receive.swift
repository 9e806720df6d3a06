import Synchronization

/// Reading one stream: three tasks, one that reads, one that writes, one that watches for a stall.
extension Fetch {
    /// Ends a stream whose bytes nobody takes.
    private struct Unwanted: Error {}

    private struct Stalled: Error {}

    /// Reads source `source` until it or the plan ends it, and everything that it sent and the
    /// plan took is written when this returns.
    func receive(_ source: Int, from offset: Int64) async -> [FetchPlan.Effect] {
        let queue = BatchQueue()
        unwanted.withLock { $0 = nil }
        return await withTaskGroup(of: (any Error)?.self) { group in
            group.addTask { await self.write(queue, of: source) }
            let end: Result<Void, any Error>
            do {
                try await read(source, from: offset, into: queue)
                end = .success(())
            } catch {
                end = .failure(error)
            }
            queue.finish()
            if let error = await group.next() ?? nil { return fail(error) }
            return conclude(source, end)
        }
    }

    /// - Returns: What the disk said, nil when all is written.
    private func write(_ queue: BatchQueue, of source: Int) async -> (any Error)? {
        while let batch = await queue.next() {
            do {
                try await bytes.write(batch)
            } catch {
                queue.abandon()
                return error
            }
            report(source)
        }
        return nil
    }

    private func read(_ source: Int, from offset: Int64, into queue: BatchQueue) async throws {
        let (sha256, source) = (sha256, sources[source])
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await source.reader.read(
                    sha256: sha256, path: source.candidate.path, from: offset
                ) { chunk in
                    try await self.take(chunk, into: queue)
                }
            }
            group.addTask { try await self.watch(queue) }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    private func take(_ chunk: [UInt8], into queue: BatchQueue) async throws {
        guard unwanted.withLock({ $0 == nil }), !queue.isAbandoned else { throw Unwanted() }
        received.wrappingAdd(Int64(chunk.count), ordering: .relaxed)
        let effects = handle(.chunkReceived(bytes: chunk.count))
        guard effects.isEmpty else {
            unwanted.withLock { $0 = effects }
            throw Unwanted()
        }
        if !chunk.isEmpty { await queue.push(chunk) }
    }

    /// Throws when nothing came for a whole `stallTimeout`; waiting for the disk is no stall.
    private func watch(_ queue: BatchQueue) async throws {
        while true {
            let before = received.load(ordering: .relaxed)
            try await sleep(configuration.stallTimeout)
            if received.load(ordering: .relaxed) == before, !queue.isFull { throw Stalled() }
        }
    }

    private func conclude(
        _ source: Int, _ end: Result<Void, any Error>
    ) -> [FetchPlan.Effect] {
        if let effects = unwanted.withLock({ $0 }) { return effects }
        let reason: FetchReason
        switch end {
        case .success:
            return handle(.sourceEnded)
        case .failure where Task.isCancelled:
            return handle(.cancelled)
        case .failure(let error as FileSourceError) where error.kind == .refused:
            log(source, .refused(error.reason))
            return handle(.sourceRefused(reason: error.reason))
        case .failure(let error as FileSourceError):
            reason = .failed(error.reason)
        case .failure(is Stalled):
            reason = .stalled
        case .failure(let error):
            reason = .failed("\(error)")
        }
        log(source, reason)
        return handle(.sourceFailed(reason))
    }
}
