import AdminWire
import FoundationEssentials
import Glibc
import RootedFiles
import Varlink

extension AdminService {
    func get(_ call: VarlinkCall) async throws -> VarlinkReply {
        try call.requireMore()
        let query = try call.parameters(as: Admin.GetQuery.self)
        let request = Fetches.Request(
            wanted: try Self.wanted(query), target: try Self.target(query, call))
        // Replies are written by this task alone, so progress comes through a stream.
        let (reports, continuation) = AsyncStream.makeStream(
            of: Fetches.Progress.self, bufferingPolicy: .bufferingNewest(1))
        let result = try await withThrowingTaskGroup(of: Fetches.Progress.self) { group in
            group.addTask {
                defer { continuation.finish() }
                return try await self.fetches.run(request) { continuation.yield($0) }
            }
            for await progress in reports {
                try await call.reply(Admin.GetReply(progress: Admin.Progress(progress)))
            }
            guard let last = try await group.next() else {
                preconditionFailure("a group with one task gave nothing")
            }
            return last
        }
        return VarlinkReply(Admin.GetReply(progress: Admin.Progress(result)))
    }

    private static func wanted(_ query: Admin.GetQuery) throws(VarlinkError) -> FileFinder.Wanted {
        guard query.path != nil || query.sha256 != nil else {
            throw AdminError.invalidArgument("path", "a path or a sha256 is needed")
        }
        if let path = query.path {
            do {
                _ = try RelativePath(path)
            } catch {
                throw AdminError.invalidArgument("path", "\(error)")
            }
        }
        if let sha256 = query.sha256, Data(hexadecimal: sha256).count != 32 {
            throw AdminError.invalidArgument("sha256", "expected 64 hexadecimal digits")
        }
        return FileFinder.Wanted(
            path: query.path, sha256: query.sha256?.lowercased(), peer: query.peer)
    }

    private static func target(
        _ query: Admin.GetQuery, _ call: VarlinkCall
    ) throws(VarlinkError) -> Fetches.Target {
        guard let index = query.output else {
            return .sharedDirectory(replacing: query.force ?? false)
        }
        guard call.descriptors.indices.contains(index) else {
            throw AdminError.invalidArgument(
                "output", "no descriptor came at index \(index), \(call.descriptors.count) came")
        }
        let descriptor = call.descriptors[index]
        var status = stat()
        let flags = fcntl(descriptor.rawValue, F_GETFL)
        guard fstat(descriptor.rawValue, &status) == 0, status.st_mode & S_IFMT == S_IFREG,
            flags & O_ACCMODE == O_RDWR
        else {
            throw AdminError.invalidArgument(
                "output", "expected a regular file, open for reading and writing")
        }
        return .descriptor(descriptor)
    }
}

extension Admin.Progress {
    init(_ progress: Fetches.Progress) {
        self.init(
            state: progress.stage.rawValue, path: progress.path,
            size: progress.size.map { Int($0) },
            received: Int(progress.received), resumed: Int(progress.resumed),
            source: progress.source, sha256: progress.sha256,
            elapsed_ms: progress.elapsed.wholeMilliseconds)
    }
}
