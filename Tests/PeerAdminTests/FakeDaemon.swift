import AdminWire
import ArgumentParser
import Glibc
import Synchronization
import Testing

@testable import PeerAdmin
@testable import Varlink

/// A daemon that answers org.p2ppeer.Admin, by its real text, as a test tells it.
struct FakeDaemon: VarlinkInterface {
    typealias Method = @Sendable (VarlinkCall) async throws -> VarlinkReply

    let description: InterfaceDescription
    let methods: [String: Method]

    init(_ methods: [String: Method]) throws {
        // Tests/PeerAdminTests/FakeDaemon.swift -> the package
        let parts = #filePath.split(separator: "/").dropLast(3)
        let path = "/\(parts.joined(separator: "/"))/Sources/AdminWire/org.p2ppeer.Admin.varlink"
        description = try #require(InterfaceDescription(try contents(of: path)))
        self.methods = methods
    }

    func handle(_ call: VarlinkCall) async throws -> VarlinkReply {
        guard let method = methods[call.method] else {
            throw VarlinkError.methodNotImplemented(call.qualifiedMethod)
        }
        return try await method(call)
    }

    func error(for error: any Error) -> VarlinkError {
        VarlinkError("org.p2ppeer.Admin.Failed", ["reason": "\(error)"])
    }
}

/// What a command did.
struct Outcome: Sendable, Equatable {
    var status: ProgramExit
    var output: String
    var diagnostics: String
}

/// A fake daemon on a socket of its own, and a directory to write into.
struct Fixture: Sendable {
    let directory: TemporaryDirectory
    var socket: String { "\(directory.path)/.socket" }

    /// Serves `methods` for the time of `body`.
    static func run(
        _ methods: [String: FakeDaemon.Method],
        _ body: (Fixture) async throws -> Void
    ) async throws {
        let fixture = Fixture(directory: try TemporaryDirectory())
        let service = VarlinkService(
            identity: ServiceIdentity(vendor: "", product: "", version: "", url: ""),
            interfaces: [try FakeDaemon(methods)],
            listeners: [try VarlinkListener(name: "admin", path: fixture.socket, mode: 0o600)])
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await service.run() }
            try await body(fixture)
            group.cancelAll()
            try await group.waitForAll()
        }
    }

    /// Runs a command as the command line would.
    func command(
        _ arguments: String...,
        interrupt: Int32? = nil,
        progressWidth: Int? = nil
    ) async throws -> Outcome {
        try await PeerAdminTests.command(
            arguments, sockets: [socket], interrupt: interrupt, progressWidth: progressWidth)
    }
}

extension FakeDaemon {
    /// Runs a get into a directory against a daemon that is replaced by another when `asked` acts.
    static func restarting(
        before: [String: Method], after: [String: Method], when asked: Asked,
        _ arguments: String...
    ) async throws -> Outcome {
        let directory = try TemporaryDirectory()
        let socket = "\(directory.path)/.socket"
        func service(_ methods: [String: Method]) throws -> VarlinkService {
            var limits = VarlinkService.Limits()
            limits.drainLimit = .zero
            return VarlinkService(
                identity: ServiceIdentity(vendor: "", product: "", version: "", url: ""),
                interfaces: [try FakeDaemon(methods)],
                listeners: [try VarlinkListener(name: "admin", path: socket, mode: 0o600)],
                limits: limits)
        }
        let (stops, stop) = AsyncStream.makeStream(of: Void.self)
        asked.onAct { stop.finish() }
        let outcome = Task {
            try await command(
                arguments + ["--output", directory.path], sockets: [socket],
                restartPatience: .seconds(30))
        }
        do {
            let first = try service(before)
            let serving = Task { try await first.run() }
            for await _ in stops {}
            serving.cancel()
            try await serving.value
        }
        let second = Task { try await service(after).run() }
        let result = try await outcome.value
        second.cancel()
        try await second.value
        return result
    }
}

/// Runs a command on a thread of its own, with 2026-01-01T00:00:00Z for the time.
func command(
    _ arguments: [String],
    sockets: [String],
    interrupt: Int32? = nil,
    progressWidth: Int? = nil,
    restartPatience: Duration = .zero
) async throws -> Outcome {
    try await blocking {
        let command = try #require(try P2PAdm.parseAsRoot(arguments) as? any AdminCommand)
        let written = Written()
        let console = Console(
            output: { text throws(CommandFailure) in written.output.withLock { $0 += text } },
            diagnostics: { text in written.diagnostics.withLock { $0 += text } },
            style: Style(isColored: false), progressWidth: progressWidth,
            now: { 1_767_225_600_000 }, restartPatience: restartPatience)
        let status = command.execute(console, sockets: sockets, interrupt: interrupt)
        return Outcome(
            status: status, output: written.output.withLock { $0 },
            diagnostics: written.diagnostics.withLock { $0 })
    }
}

private final class Written: Sendable {
    let output = Mutex("")
    let diagnostics = Mutex("")
}

// MARK: - Files

/// A directory that goes with the test.
final class TemporaryDirectory: Sendable {
    let path: String

    init() throws {
        var template = Array("/tmp/p2padm.XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw SystemError("mkdtemp") }
        path = String(decoding: template.dropLast().map(UInt8.init), as: UTF8.self)
    }

    deinit {
        do {
            for name in try names(hidden: true) { unlink("\(path)/\(name)") }
        } catch {
            Issue.record(error)
        }
        rmdir(path)
    }

    /// Sorted; the socket is left out.
    func names(hidden: Bool = false) throws -> [String] {
        guard let directory = opendir(path) else { throw SystemError("opendir") }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != "." && name != ".." && (hidden || name != ".socket") { names.append(name) }
        }
        return names.sorted()
    }

    func write(_ text: String, to name: String) throws {
        let number = open("\(path)/\(name)", O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        guard number >= 0 else { throw SystemError("open") }
        defer { close(number) }
        let bytes = Array(text.utf8)
        guard Glibc.write(number, bytes, bytes.count) == bytes.count else {
            throw SystemError("write")
        }
    }

    func read(_ name: String) throws -> String {
        try contents(of: "\(path)/\(name)")
    }
}

func contents(of path: String) throws -> String {
    let number = open(path, O_RDONLY)
    guard number >= 0 else { throw SystemError("open \(path)") }
    defer { close(number) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while true {
        let got = read(number, &buffer, buffer.count)
        guard got >= 0 else { throw SystemError("read") }
        if got == 0 { return String(decoding: bytes, as: UTF8.self) }
        bytes += buffer[..<got]
    }
}

// MARK: - Threads

/// Runs blocking code on a thread of its own, so that the service's tasks keep theirs.
func blocking<Value: Sendable>(
    _ body: @escaping @Sendable () throws -> Value
) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
        let work = Unmanaged.passRetained(
            Work { continuation.resume(with: Result(catching: body)) })
        var thread = pthread_t()
        pthread_create(
            &thread, nil,
            { context in
                guard let context else { return nil }
                Unmanaged<Work>.fromOpaque(context).takeRetainedValue().body()
                return nil
            }, work.toOpaque())
        pthread_detach(thread)
    }
}

private final class Work: Sendable {
    let body: @Sendable () -> Void

    init(body: @escaping @Sendable () -> Void) {
        self.body = body
    }
}
