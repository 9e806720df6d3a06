import Crypto
import Logging
import RootedFiles
import SystemPackage
import TestDirectories
import Testing

@testable import Transfer

@Suite struct ManifestTests {
    /// A file of 70 MiB and a byte, mostly holes, in a directory of its own.
    final class Place: Sendable {
        static let size: Int64 = 70 << 20 | 1
        let directory: TemporaryDirectory
        let root: RootedDirectory
        let store: TransferStore

        init() throws {
            directory = try TemporaryDirectory()
            try directory.write("beginning", to: "file")
            root = try RootedDirectory(path: directory.path)
            store = try TransferStore(path: directory.path + "/transfers.sqlite")
            try writable().truncate(to: Self.size)
        }

        func file() throws -> OpenFile { try root.open(RelativePath("file")) }

        func writable() throws -> OpenFile {
            try OpenFile(
                taking: try FileDescriptor.open(FilePath("\(directory.path)/file"), .readWrite),
                path: "file")
        }

        func manifest(_ manifests: Manifests) async throws -> Manifest {
            let pages = PageAssembly(size: Self.size)
            try await manifests.send(of: try file()) { try pages.append($0) }
            return try pages.manifest()
        }
    }

    @Test("Each piece's SHA-256, as one reads it piece by piece; made once, and kept")
    func made() async throws {
        let place = try Place()
        let manifest = try await place.manifest(
            Manifests(store: place.store, logger: Logger(label: "test"), now: { 1 }))
        let file = try place.file()
        for piece in [0, 1, 69, 70] {
            let range = manifest.layout.bytes(of: piece)
            var bytes = [UInt8](repeating: 0, count: range.count)
            #expect(try file.read(into: &bytes, at: range.lowerBound) == range.count)
            #expect(manifest.isDigest(Array(SHA256.hash(data: bytes)), of: piece))
        }
        let status = try file.status()
        #expect(try await place.store.manifest(of: status, now: 2) == manifest.digests)
        #expect(
            try await place.manifest(
                Manifests(store: place.store, logger: Logger(label: "test"), now: { 3 }))
                == manifest)
    }

    @Test("A file that changes loses its manifest, and gets another")
    func changed() async throws {
        let place = try Place()
        let manifests = Manifests(store: place.store, logger: Logger(label: "test"), now: { 1 })
        let before = try await place.manifest(manifests)
        try place.writable().write([42], at: 5 << 20)
        #expect(try await place.store.manifest(of: try place.file().status(), now: 1) == nil)
        let after = try await place.manifest(manifests)
        #expect(after != before)
        #expect(after.digests.prefix(5 * 32) == before.digests.prefix(5 * 32))
    }

    @Test("Many who ask at once get the same")
    func shared() async throws {
        let place = try Place()
        let manifests = Manifests(store: place.store, logger: Logger(label: "test"), now: { 1 })
        let all = try await withThrowingTaskGroup(of: Manifest.self) { group in
            for _ in 0..<8 { group.addTask { try await place.manifest(manifests) } }
            var all: Set<Manifest> = []
            for try await manifest in group { all.insert(manifest) }
            return all
        }
        #expect(all.count == 1)
    }

    @Test("What is no manifest of the announced file is refused")
    func malformed() throws {
        let digest = [UInt8](repeating: 1, count: 32)
        let size: Int64 = 2 << 20
        for page in [
            ManifestPage(size: 1, firstPiece: 0, digests: digest),
            ManifestPage(size: size, firstPiece: 1, digests: digest),
            ManifestPage(size: size, firstPiece: 0, digests: [1]),
            ManifestPage(size: size, firstPiece: 0, digests: digest + digest + digest),
        ] {
            #expect(throws: ManifestFault.self) { try PageAssembly(size: size).append(page) }
        }
        let pages = PageAssembly(size: size)
        try pages.append(ManifestPage(size: size, firstPiece: 0, digests: digest))
        #expect(throws: ManifestFault.self) { try pages.manifest() }
        try pages.append(ManifestPage(size: size, firstPiece: 1, digests: digest))
        #expect(try pages.manifest().digests.count == 64)
    }

    @Test("A damaged database is set aside, and begun anew")
    func damaged() async throws {
        let directory = try TemporaryDirectory()
        let noise = String(repeating: "no database. ", count: 1000)
        try directory.write(noise, to: "transfers.sqlite")
        let store = try TransferStore.open(
            stateDirectory: directory.path, logger: Logger(label: "test"))
        #expect(try await store.download("ab") == nil)
        let aside = try RootedDirectory(path: directory.path).open(
            RelativePath("transfers.sqlite.damaged"))
        #expect(try aside.status().size == Int64(noise.utf8.count))
    }

    @Test("A download is remembered with what is proved of it, until it is done")
    func downloads() async throws {
        let place = try Place()
        let manifest = try #require(
            Manifest(size: 2 << 20, digests: Array(repeating: 7, count: 64)))
        try await place.store.begin(
            "ab", manifest: manifest, verified: PieceSet(pieceCount: 2), now: 1)
        var verified = PieceSet(pieceCount: 2)
        verified.insert(1)
        try await place.store.update("ab", verified: verified)
        let reopened = try TransferStore(path: place.directory.path + "/transfers.sqlite")
        #expect(
            try await reopened.download("ab")
                == TransferStore.Download(manifest: manifest, verified: verified))
        try await reopened.end("ab")
        #expect(try await place.store.download("ab") == nil)
    }
}
