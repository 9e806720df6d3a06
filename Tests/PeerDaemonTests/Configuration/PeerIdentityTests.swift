import Crypto
import FoundationEssentials
import Glibc
import Testing

@testable import PeerDaemon

/// exit(3) that does not tell the compiler that what follows is dead.
private func leave(_ code: CInt) {
    exit(code)
}

@Suite("Identity and the lock of the state directory")
struct PeerIdentityTests {
    private func load(_ path: String) throws(StartupFailure) -> PeerIdentity {
        try PeerIdentity.load(stateDirectory: path)
    }

    @Test("A key is made once and kept, readable by its owner alone")
    func keptKey() throws {
        let directory = try TemporaryDirectory()
        let first = try load(directory.path)
        let second = try load(directory.path)
        #expect(first.id == second.id)
        #expect(first.id.count == 64)
        #expect(first.id.allSatisfy { $0.isHexDigit && !$0.isUppercase })
        var status = stat()
        try #require(stat("\(directory.path)/identity.key", &status) == 0)
        #expect(status.st_mode & 0o7777 == 0o600)
        #expect(try DirectoryListing.names(in: directory.path) == ["identity.key"])
    }

    @Test("The id is the SHA-256 of the X9.63 public key")
    func encoding() throws {
        // RFC 6979, A.2.5: the P-256 key of the test vectors.
        let x: [UInt8] = [
            0xC9, 0xAF, 0xA9, 0xD8, 0x45, 0xBA, 0x75, 0x16, 0x6B, 0x5C, 0x21, 0x57, 0x67, 0xB1,
            0xD6, 0x93, 0x4E, 0x50, 0xC3, 0xDB, 0x36, 0xE8, 0x9B, 0x12, 0x7B, 0x8A, 0x62, 0x2B,
            0x12, 0x0F, 0x67, 0x21,
        ]
        let key = try P256.Signing.PrivateKey(rawRepresentation: x)
        let expected = SHA256.hash(data: key.publicKey.x963Representation)
        let identity = PeerIdentity(privateKey: key)
        #expect(expected.description.hasSuffix(identity.id))
        #expect(key.publicKey.x963Representation.count == 65)
    }

    @Test("Two state directories are two peers")
    func distinct() throws {
        let one = try TemporaryDirectory()
        let two = try TemporaryDirectory()
        #expect(try load(one.path).id != load(two.path).id)
    }

    @Test(
        "A damaged key is an error that says what to do, and stays as it is",
        arguments: [
            "", "garbage", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
            String(repeating: "x", count: 20000),
        ])
    func damaged(content: String) throws {
        let directory = try TemporaryDirectory()
        try directory.write("identity.key", content)
        let failure = try #require(
            #expect(throws: StartupFailure.self) { try load(directory.path) })
        #expect(failure.code == .configuration)
        #expect(failure.message.contains("restore it from a backup"))
        let path = "\(directory.path)/identity.key"
        #expect(try SmallFile.read(path, bytesMax: 1 << 20) == Array(content.utf8))
    }

    @Test("What a crash left over does not stand in the way")
    func leftover() throws {
        let directory = try TemporaryDirectory()
        try directory.write(".identity.key.tmp", "half a k")
        _ = try load(directory.path)
        #expect(try DirectoryListing.names(in: directory.path) == ["identity.key"])
    }

    @Test("A file that is there is never replaced")
    func neverReplaced() throws {
        let directory = try TemporaryDirectory()
        try directory.write("f", "old")
        #expect(throws: SystemError(errno: EEXIST)) {
            try SmallFile.create("f", in: directory.path, bytes: [1])
        }
        #expect(try SmallFile.read("\(directory.path)/f", bytesMax: 9) == Array("old".utf8))
        #expect(try DirectoryListing.names(in: directory.path) == ["f"])
    }

    @Test("A missing state directory is named")
    func missingDirectory() throws {
        let failure = #expect(throws: StartupFailure.self) { try load("/nonexistent/p2p") }
        #expect(failure?.code == .noInput)
        #expect(failure?.message.contains("/nonexistent/p2p") == true)
    }

    @Test("A second holder of the state directory is refused, and told who has it")
    func lock() throws {
        let directory = try TemporaryDirectory()
        do {
            let lock = try StateLock(stateDirectory: directory.path)
            let failure = #expect(throws: StartupFailure.self) {
                _ = try StateLock(stateDirectory: directory.path)
            }
            #expect(failure?.code == .unavailable)
            #expect(failure?.message.contains("process \(getpid());") == true)
            withExtendedLifetime(lock) {}
        }
        _ = try StateLock(stateDirectory: directory.path)
    }

    @Test("The lock ends with its process")
    func lockOfDeadProcess() async throws {
        let directory = try TemporaryDirectory()
        let path = directory.path
        await #expect(processExitsWith: .exitCode(3)) { [path = path as String] in
            let lock = try StateLock(stateDirectory: path)
            withExtendedLifetime(lock) { leave(3) }
        }
        _ = try StateLock(stateDirectory: directory.path)
    }

    @Test("A lock whose holder has not written its pid is refused all the same")
    func lockWithoutPid() throws {
        let directory = try TemporaryDirectory()
        try directory.write("lock", "")
        let other = open("\(directory.path)/lock", O_RDWR)
        defer { close(other) }
        try #require(flock(other, LOCK_EX | LOCK_NB) == 0)
        let failure = #expect(throws: StartupFailure.self) {
            _ = try StateLock(stateDirectory: directory.path)
        }
        #expect(failure?.message.contains("another process") == true)
    }
}
