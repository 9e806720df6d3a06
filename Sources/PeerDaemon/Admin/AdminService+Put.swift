import AdminWire
import Glibc
import RootedFiles
import SystemPackage
import Varlink

extension AdminService {
    func put(_ call: VarlinkCall) async throws -> VarlinkReply {
        try call.requireMore()
        let query = try call.parameters(as: Admin.PutQuery.self)
        let request = Deliveries.Request(
            file: try Self.input(query, call), name: query.name, peer: query.peer)
        // Replies are written by this task alone, so progress comes through a stream.
        let (reports, continuation) = AsyncStream.makeStream(
            of: Deliveries.Progress.self, bufferingPolicy: .bufferingNewest(1))
        let result = try await withThrowingTaskGroup(of: Deliveries.Progress.self) { group in
            group.addTask {
                defer { continuation.finish() }
                return try await self.deliveries.run(request) { continuation.yield($0) }
            }
            for await progress in reports {
                try await call.reply(Admin.PutReply(progress: Admin.PutProgress(progress)))
            }
            guard let last = try await group.next() else {
                preconditionFailure("a group with one task gave nothing")
            }
            return last
        }
        return VarlinkReply(Admin.PutReply(progress: Admin.PutProgress(result)))
    }

    private static func input(
        _ query: Admin.PutQuery, _ call: VarlinkCall
    ) throws(VarlinkError) -> OpenFile {
        do {
            _ = try RelativePath(query.name)
        } catch {
            throw AdminError.invalidArgument("name", "\(error)")
        }
        guard call.descriptors.indices.contains(query.input) else {
            throw AdminError.invalidArgument(
                "input",
                "no descriptor came at index \(query.input), \(call.descriptors.count) came")
        }
        let descriptor = call.descriptors[query.input]
        guard fcntl(descriptor.rawValue, F_GETFL) & O_ACCMODE != O_WRONLY,
            let number = descriptor.take()
        else {
            throw AdminError.invalidArgument("input", "expected a file that is open for reading")
        }
        do {
            return try OpenFile(taking: FileDescriptor(rawValue: number), path: query.name)
        } catch {
            throw AdminError.invalidArgument("input", "expected a regular file")
        }
    }
}

extension Admin.PutProgress {
    init(_ progress: Deliveries.Progress) {
        self.init(
            state: progress.stage.rawValue, name: progress.name, peer: progress.peer,
            size: Int(progress.size), sent: Int(progress.sent), message: progress.message,
            elapsed_ms: progress.elapsed.wholeMilliseconds)
    }
}
