import RootedFiles
import TestDirectories
import Testing

@testable import Transfer

@Suite("Uploads")
struct UploadTests {
    private let shared: TemporaryDirectory
    private let root: RootedDirectory

    init() throws {
        shared = try TemporaryDirectory()
        root = try RootedDirectory(path: shared.path)
    }

    private func begin(
        _ name: String, fileBytesMax: Int64 = 1 << 20, freeBytesMin: Int64 = 0
    ) async throws -> Upload {
        try await Upload.begin(
            RelativePath(name), in: root,
            limits: Upload.Limits(fileBytesMax: fileBytesMax, freeBytesMin: freeBytesMin))
    }

    @Test("A file appears with its end, and its SHA-256 is that of its bytes")
    func publishes() async throws {
        let upload = try await begin("folder/a.txt")
        try await upload.append([Array("he".utf8), [], Array("ll".utf8)])
        try await upload.append([Array("o".utf8)])
        #expect(upload.count == 5)
        #expect(!shared.exists("folder/a.txt"))
        #expect(
            try await upload.publish()
                == "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824")
        #expect(try shared.text(of: "folder/a.txt") == "hello")
        #expect(try root.stagingArea().removeAbandonedUploads() == 0)
    }

    @Test("Nothing is replaced, whenever the name is taken")
    func exists() async throws {
        try shared.write("old", to: "a.txt")
        await #expect(throws: UploadError.alreadyExists(path: "a.txt")) { try await begin("a.txt") }
        let upload = try await begin("b.txt")
        try await upload.append([Array("new".utf8)])
        try shared.write("old", to: "b.txt")
        await #expect(throws: UploadError.alreadyExists(path: "b.txt")) {
            try await upload.publish()
        }
        try await upload.discard()
        #expect(try shared.text(of: "b.txt") == "old")
        #expect(try root.stagingArea().removeAbandonedUploads() == 0)
    }

    @Test("What is discarded leaves nothing")
    func discards() async throws {
        let upload = try await begin("a.txt")
        try await upload.append([[1, 2, 3]])
        // Locked while it is under way: a start of another daemon leaves it alone.
        #expect(try root.stagingArea().removeAbandonedUploads() == 0)
        try await upload.discard()
        #expect(!shared.exists("a.txt"))
        let entries = try root.entries()
        while let entry = try entries.next() {
            #expect(entry.name == Array(".p2p-peer".utf8))
        }
    }

    @Test("A file that is too large ends with the byte that is too many")
    func oversized() async throws {
        let upload = try await begin("a.txt", fileBytesMax: 4)
        try await upload.append([[1, 2], [3, 4]])
        await #expect(throws: UploadError.oversized(path: "a.txt", bytesMax: 4)) {
            try await upload.append([[5]])
        }
        try await upload.discard()
    }

    @Test("Room is left on the disk")
    func room() async throws {
        await #expect(
            throws: UploadError.noRoom(directory: shared.path, bytesMin: .max)
        ) { try await begin("a.txt", freeBytesMin: .max) }
    }

    @Test("A way through a link or a file is refused, and named")
    func outside() async throws {
        try shared.makeLink("link", to: "/tmp")
        try shared.write("", to: "file")
        for path in ["link/a.txt", "file/a.txt"] {
            let error = await #expect(throws: UploadError.self) {
                let upload = try await begin(path)
                _ = try await upload.publish()
            }
            #expect(error?.description.contains(path) == true)
        }
        #expect(try root.entries().status(of: "file").size == 0)
    }
}
