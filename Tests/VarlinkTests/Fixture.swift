import CLinux
import Glibc
import Testing

@testable import Varlink

/// A directory that goes with the test.
final class TemporaryDirectory: Sendable {
    let path: String

    init() throws {
        var template = Array("/tmp/varlink.XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw SystemError("mkdtemp") }
        path = String(decoding: template.dropLast().map(UInt8.init), as: UTF8.self)
    }

    deinit {
        for name in (try? names()) ?? [] {
            unlink("\(path)/\(name)")
        }
        rmdir(path)
    }

    func names() throws -> [String] {
        guard let directory = opendir(path) else { throw SystemError("opendir") }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names.sorted()
    }
}

/// An open file that has no name and holds `text`.
func temporaryFile(holding text: String) throws -> OwnedDescriptor {
    var template = Array("/tmp/varlink-file.XXXXXX".utf8CString)
    let number = mkstemp(&template)
    guard number >= 0 else { throw SystemError("mkstemp") }
    unlink(String(decoding: template.dropLast().map(UInt8.init), as: UTF8.self))
    let file = OwnedDescriptor(owning: number)
    let bytes = Array(text.utf8)
    guard pwrite(number, bytes, bytes.count, 0) == bytes.count else { throw SystemError("pwrite") }
    return file
}

/// A service of ``SampleInterface`` on a socket of its own, for the time of `body`.
struct Fixture: Sendable {
    let sample: SampleInterface
    let directory: TemporaryDirectory
    let events = Diary()
    var path: String { "\(directory.path)/socket" }

    static func run(
        limits: VarlinkService.Limits = .init(),
        _ body: (Fixture) async throws -> Void
    ) async throws {
        let fixture = Fixture(sample: try SampleInterface(), directory: try TemporaryDirectory())
        let service = try fixture.service(limits: limits)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await service.run() }
            try await body(fixture)
            group.cancelAll()
            try await group.waitForAll()
        }
    }

    func service(limits: VarlinkService.Limits = .init()) throws -> VarlinkService {
        VarlinkService(
            identity: ServiceIdentity(
                vendor: "Example", product: "Sample", version: "1", url: "https://example.org"),
            interfaces: [sample],
            listeners: [try VarlinkListener(name: "main", path: path, mode: 0o660)],
            limits: limits,
            report: { [events] in events.add("\($0)") })
    }
}

/// Runs blocking code on a thread of its own, so that the tasks under test keep theirs.
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

/// How many descriptors this process has open.
func openDescriptors() throws -> Int {
    guard let directory = opendir("/proc/self/fd") else { throw SystemError("opendir") }
    defer { closedir(directory) }
    var count = 0
    while readdir(directory) != nil { count += 1 }
    return count
}

/// A client that sends any bytes at all.
struct RawClient {
    let socket: UnixSocket

    init(path: String) throws {
        let number = clinuxConnect(path)
        guard number >= 0 else { throw SystemError("connect") }
        socket = UnixSocket(descriptor: OwnedDescriptor(owning: number))
    }

    func send(_ text: String, descriptors: [OwnedDescriptor] = []) throws {
        try send(Array(text.utf8), descriptors: descriptors)
    }

    func send(_ bytes: [UInt8], descriptors: [OwnedDescriptor] = []) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            guard
                case .bytes(let count) = try socket.send(
                    rest, descriptors: rest.startIndex == 0 ? descriptors : [])
            else { continue }
            rest = rest.dropFirst(count)
        }
    }

    /// Everything until the service closes.
    func readToEnd() throws -> String {
        var all: [UInt8] = []
        while case .bytes(let bytes, _, _) = try socket.receive(capacity: 65_536) {
            all += bytes
        }
        return String(decoding: all, as: UTF8.self)
    }

    /// The next bytes that come.
    func read() throws -> String {
        guard case .bytes(let bytes, _, _) = try socket.receive(capacity: 65_536) else { return "" }
        return String(decoding: bytes, as: UTF8.self)
    }

    func finishSending() {
        shutdown(socket.descriptor.rawValue, Int32(SHUT_WR))
    }
}

private func clinuxConnect(_ path: String) -> Int32 {
    let number = clinux_unix_socket(0)
    guard number >= 0, clinux_unix_connect(number, path) == 0 else { return -1 }
    return number
}
