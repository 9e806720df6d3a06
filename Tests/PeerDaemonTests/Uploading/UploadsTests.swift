import Logging
import RootedFiles
import Synchronization
import Testing
import Transfer

@testable import PeerDaemon

@Suite("Uploads of a peer")
struct UploadsTests {
    private let node: FakeNode
    private let root: RootedDirectory
    private let transfers = TransferCounters()
    private let published = Published()

    private final class Published: Sendable {
        let files = Mutex<[String: String]>([:])
    }

    init() throws {
        node = try FakeNode()
        root = try RootedDirectory(path: node.directory.path)
        node.state.withLock {
            $0.settings.uploads = UploadSettings(
                areAccepted: true, limits: Upload.Limits(fileBytesMax: 1000, freeBytesMin: 0))
        }
    }

    private func uploads(stallTimeout: Duration = .seconds(30)) -> Uploads {
        Uploads(
            node: node, root: root, transfers: transfers,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            stallTimeout: stallTimeout, isExcluded: { $0.name.hasSuffix(".tmp") },
            published: { [published] path, sha256 in
                published.files.withLock { $0[path.string] = sha256 }
            })
    }

    private func stream(
        _ chunks: [UploadChunk], ends: Bool = true
    ) -> AsyncThrowingStream<UploadChunk, any Error> {
        AsyncThrowingStream { continuation in
            for chunk in chunks { continuation.yield(chunk) }
            if ends { continuation.finish() }
        }
    }

    private func files() throws -> [String] { try node.directory.files() }

    @Test("A whole file is kept, published and counted")
    func kept() async throws {
        let chunks = stream([
            UploadChunk(name: "d/a.txt", bytes: Array("he".utf8)),
            UploadChunk(name: "", bytes: Array("llo".utf8)),
        ])
        #expect(
            try await uploads().receive(chunks, from: "somebody")
                == .kept(path: "d/a.txt", bytes: 5))
        #expect(try files() == ["d/a.txt"])
        #expect(
            published.files.withLock { $0 } == [
                "d/a.txt": "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
            ])
        #expect(transfers.current.done == 1)
        #expect(transfers.current.bytesReceived == 5)
    }

    @Test("Without the setting nothing is taken")
    func notAccepted() async throws {
        node.state.withLock { $0.settings.uploads = .none }
        let chunks = stream([UploadChunk(name: "a.txt", bytes: [1])])
        #expect(
            try await uploads().receive(chunks, from: "")
                == .refused(reason: "peer1 takes no uploads"))
        #expect(try files() == [])
    }

    @Test("A sender that breaks the protocol is told so, and nothing is kept")
    func brokenProtocol() async throws {
        for (chunks, failure) in [
            ([], Uploads.Failure.noName),
            ([UploadChunk(name: "", bytes: [1])], .noName),
            (
                [UploadChunk(name: "a", bytes: [1]), UploadChunk(name: "b", bytes: [1])],
                .otherName("b")
            ),
        ] {
            await #expect(throws: failure) {
                try await uploads().receive(stream(chunks), from: "")
            }
        }
        #expect(try files() == [])
    }

    @Test("A sender that sends nothing more is given up, and the file with it")
    func stalled() async throws {
        let limit = Duration.milliseconds(20)
        let chunks = stream([UploadChunk(name: "a.txt", bytes: [1])], ends: false)
        await #expect(throws: Uploads.Failure.stalled(limit)) {
            try await uploads(stallTimeout: limit).receive(chunks, from: "")
        }
        #expect(try files() == [])
        #expect(transfers.current.failed == 1)
    }

    @Test("A stream that ends with an error, or whose reader is cancelled, leaves nothing")
    func interrupted() async throws {
        struct Reset: Error {}
        let reset = AsyncThrowingStream<UploadChunk, any Error> { continuation in
            continuation.yield(UploadChunk(name: "a.txt", bytes: [1]))
            continuation.finish(throwing: Reset())
        }
        await #expect(throws: Reset.self) { try await uploads().receive(reset, from: "") }

        // An AsyncStream ends without an error when its reader is cancelled: no end of a file.
        let open = stream([UploadChunk(name: "a.txt", bytes: [1])], ends: false)
        let task = Task { [uploads = uploads()] in try await uploads.receive(open, from: "") }
        task.cancel()
        await #expect(throws: (any Error).self) { try await task.value }
        #expect(try files() == [])
    }

    @Test("More than the bound at once are refused")
    func bound() async throws {
        let uploads = uploads()
        let outcome = try await withThrowingTaskGroup(of: Uploads.Outcome.self) { group in
            for _ in 0...Uploads.activeMax {
                let chunks = stream([], ends: false)
                group.addTask { try await uploads.receive(chunks, from: "") }
            }
            defer { group.cancelAll() }
            // All others wait for their first chunk.
            return try await group.next()
        }
        #expect(
            outcome
                == .refused(
                    reason: "peer1 is taking \(Uploads.activeMax) uploads; try again later"))
    }

    @Test(
        "Hostile names are refused",
        arguments: [
            "", "/a", "../a", "a/../b", ".", "..", "a//b", "a/", ".hidden", "a/.b/c", ".p2p-peer/x",
            "a\0b", "a\nb", "a\u{7f}", "a.tmp", String(repeating: "x", count: 256),
        ])
    func names(name: String) {
        #expect(throws: UploadName.Refusal.self) {
            try UploadName.checked(name) { $0.name.hasSuffix(".tmp") }
        }
    }

    @Test("Other names are taken", arguments: ["a", "ä ö/ü.txt", "a..b", "C:\\x", "…"])
    func goodNames(name: String) throws {
        #expect(try UploadName.checked(name) { _ in false }.string == name)
    }
}
