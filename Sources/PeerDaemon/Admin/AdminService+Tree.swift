import AdminWire
import RootedFiles
import Varlink

extension AdminService {
    func getTree(_ call: VarlinkCall) async throws -> VarlinkReply {
        try call.requireMore()
        let request = try Self.treeRequest(try call.parameters(as: Admin.TreeQuery.self))
        let begin = ContinuousClock.now
        // Replies are written by this task alone, so progress comes through a stream.
        let (reports, continuation) = AsyncStream.makeStream(
            of: TreeFetch.Progress.self, bufferingPolicy: .bufferingNewest(1))
        let result = try await withThrowingTaskGroup(of: TreeFetch.Progress.self) { group in
            group.addTask {
                defer { continuation.finish() }
                return try await self.fetches.run(request) { continuation.yield($0) }
            }
            for await progress in reports {
                try await call.reply(Self.reply(progress, since: begin, state: "receiving"))
            }
            guard let last = try await group.next() else {
                preconditionFailure("a group with one task gave nothing")
            }
            return last
        }
        return VarlinkReply(Self.reply(result, since: begin, state: "done"))
    }

    private static func treeRequest(
        _ query: Admin.TreeQuery
    ) throws(VarlinkError) -> TreeFetch.Request {
        if !query.directory.isEmpty {
            do {
                _ = try RelativePath(query.directory)
            } catch {
                throw AdminError.invalidArgument("directory", "\(error)")
            }
        }
        return TreeFetch.Request(
            peer: query.peer, directory: query.directory, pattern: query.pattern,
            replacing: query.force ?? false)
    }

    private static func reply(
        _ progress: TreeFetch.Progress, since begin: ContinuousClock.Instant, state: String
    ) -> Admin.TreeReply {
        Admin.TreeReply(
            progress: Admin.TreeProgress(
                state: state, files: progress.files, done: progress.done,
                present: progress.present, failed: progress.failed, bytes: Int(progress.bytes),
                failures: progress.failures.map {
                    Admin.FileFailure(path: $0.path, reason: $0.reason)
                }, elapsed_ms: (ContinuousClock.now - begin).wholeMilliseconds))
    }
}
