import GRPCCore
import Logging
import RootedFiles
import Transfer

/// Many files of one peer at once.
extension Fetches {
    /// Brings what is beneath a directory of a peer; cancelling leaves what has come.
    ///
    /// - Parameter report: Told about ten times a second how far it is.
    /// - Returns: The last progress, which names what could not be brought.
    /// - Throws: ``Failure``, ``NoSuchPeer``.
    func run(
        _ request: TreeFetch.Request,
        report: @escaping @Sendable (TreeFetch.Progress) -> Void
    ) async throws -> TreeFetch.Progress {
        let name = "\(request.pattern ?? request.directory + "/")@\(request.peer)"
        return try await listed(as: name) { id in
            let fetch = try await self.treeFetch(request)
            return try await withThrowingTaskGroup(of: TreeFetch.Progress?.self) { group in
                group.addTask {
                    try await self.run(fetch, name)
                    return fetch.progress
                }
                group.addTask {
                    try await self.follow(fetch, name, id, report)
                    return nil
                }
                defer { group.cancelAll() }
                guard let progress = try await group.next() ?? nil else {
                    preconditionFailure("\(name) ended without a result")
                }
                return progress
            }
        }
    }

    private func treeFetch(_ request: TreeFetch.Request) async throws -> TreeFetch {
        let member = try await peer.member(named: request.peer)
        guard let address = member.info?.grpc else {
            throw Failure.failed(
                path: request.directory, reason: "\(request.peer) speaks only REST", received: 0,
                size: nil)
        }
        return try TreeFetch(
            fetches: self, source: TreeSource(links: links, address: address),
            holder: PeerAddress(member), request: request, root: root)
    }

    private func run(_ fetch: TreeFetch, _ name: String) async throws {
        do {
            try await fetch.run()
        } catch let error as FileSourceError {
            throw failure(of: fetch, name, error.reason)
        } catch let error as DiskError {
            throw failure(of: fetch, name, error.description)
        }
        let progress = fetch.progress
        logger.info(
            "files received",
            metadata: [
                "transfer": "\(name)", "files": "\(progress.done)", "bytes": "\(progress.bytes)",
                "present": "\(progress.present)", "failed": "\(progress.failed)",
            ])
    }

    private func failure(of fetch: TreeFetch, _ name: String, _ reason: String) -> Failure {
        let bytes = fetch.progress.bytes
        logger.report(
            .transferFailed, ["transfer": "\(name)", "reason": "\(reason)", "bytes": "\(bytes)"])
        return .failed(path: name, reason: reason, received: bytes, size: nil)
    }

    /// Until it is cancelled.
    private func follow(
        _ fetch: TreeFetch, _ name: String, _ id: Int,
        _ report: @Sendable (TreeFetch.Progress) -> Void
    ) async throws {
        let begin = ContinuousClock.now
        while true {
            try await Task.sleep(for: .milliseconds(100))
            let progress = fetch.progress
            running.note(
                Progress(
                    stage: .receiving, path: name, received: progress.bytes,
                    source: fetch.holder.name, elapsed: .now - begin),
                of: id)
            report(progress)
        }
    }
}
