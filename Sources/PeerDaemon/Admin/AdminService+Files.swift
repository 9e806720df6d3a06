import AdminWire
import Overlay
import Varlink

extension AdminService {
    /// Files of another peer that are listed at most.
    static let peerFilesMax = 50_000

    func files(_ call: VarlinkCall) async throws -> VarlinkReply {
        let query = try call.parameters(as: Admin.FilesQuery.self)
        let limit = query.limit ?? Self.pageFiles
        guard (1...Self.pageFiles).contains(limit) else {
            throw AdminError.invalidArgument(
                "limit", "expected 1-\(Self.pageFiles), found \(limit)")
        }
        if let name = query.peer {
            let member = try await peer.member(named: name)
            return try await files(of: member, query, limit: limit, call)
        }
        var after = query.after
        while true {
            let page = try await peer.files(
                after: after, limit: limit + 1, matching: query.query ?? "")
            let files = page.prefix(limit).map(Admin.File.init)
            let reply = Admin.Files(files: files, continues: page.count > limit)
            guard call.wantsMore, page.count > limit else { return VarlinkReply(reply) }
            try await call.reply(reply)
            after = files.last?.path
        }
    }

    /// Of a peer that is asked for its list, which every kind of peer has.
    private func files(
        of member: Member, _ query: Admin.FilesQuery, limit: Int, _ call: VarlinkCall
    ) async throws -> VarlinkReply {
        let list: [FoundFile]
        do {
            list = try await peerFiles(
                of: member.url, matching: query.query ?? "", after: query.after ?? "",
                limit: (call.wantsMore ? Self.peerFilesMax : limit) + 1)
        } catch {
            throw AdminError.failed("\(query.peer ?? "") cannot be asked: \(error)")
        }
        var rest = list.prefix(call.wantsMore ? Self.peerFilesMax : limit)
        while call.wantsMore, rest.count > limit {
            let page = rest.prefix(limit).map(Admin.File.init)
            try await call.reply(Admin.Files(files: page, continues: true))
            rest = rest.dropFirst(limit)
        }
        let continues = !call.wantsMore && list.count > limit
        return VarlinkReply(
            Admin.Files(files: rest.map(Admin.File.init), continues: continues))
    }

    /// Ordered by path, after `after`, at most `limit`.
    private func peerFiles(
        of url: PeerURL, matching text: String, after: String, limit: Int
    ) async throws -> [FoundFile] {
        var files: [FoundFile] = []
        var next: String? = after
        while let position = next, files.count < limit {
            let page = try await rest.filePage(
                of: url, matching: text, after: position, limit: limit - files.count)
            files += page.files
            next = page.next
        }
        return Array(files.prefix(limit))
    }
}
