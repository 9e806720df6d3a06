import RootedFiles

/// Files as the original systems' clients ask for them.
enum SeedFiles {
    /// Fixed by both systems' protocols.
    static let chunkBytes = 64 * 1024

    static let serviceNames = SeedFileTransfer.serviceNames + [SeedPeerService.serviceName]
    static let downloadMethods = ["DummyDownload", "DownloadFile"]

    /// By path, or as those clients name files: by name alone, wherever it is; the first path counts.
    static func open(_ name: String, at node: any Node) async throws -> FileSending {
        try await FileFailure.mapped(by: node.identity.name) {
            let exact = try await node.file(at: name)
            let named = exact == nil ? try await node.files(named: name).first : nil
            // A name that the catalog does not have yet may be there: the directory decides.
            let file = try await node.open((exact ?? named)?.path ?? name)
            let status = try file.status()
            return FileSending(
                file: file, status: status, range: 0..<status.size, chunkBytes: chunkBytes)
        }
    }
}
