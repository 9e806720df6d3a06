import Glibc
import Synchronization
import Testing
import Varlink

/// An interface with a method for everything that the protocol can do.
struct SampleInterface: VarlinkInterface {
    static let text = """
        # Something of everything.
        interface org.example.Sample

        type Person (name: string, age: ?int)

        method Echo(person: Person) -> (person: Person)
        method Count(to: int) -> (number: int)
        method Fail(kind: string) -> ()
        method Note(text: string) -> ()
        method Wait() -> ()
        method Hold() -> ()
        method ReadDescriptor(index: int) -> (text: string, count: int)
        method GiveDescriptor(text: string) -> ()
        method Flood(bytes: int) -> (filler: string)
        method WhoAmI() -> (pid: int, uid: int, gid: int, listener: string)
        method Later() -> ()

        error Odd (number: int)
        error Unexpected (reason: string)
        """

    struct Person: Codable, Sendable, Equatable {
        var name: String
        var age: Int?
    }

    struct Broken: Error {}

    let description: InterfaceDescription
    let diary = Diary()

    init() throws {
        description = try #require(InterfaceDescription(Self.text))
    }

    func handle(_ call: VarlinkCall) async throws -> VarlinkReply {
        switch call.method {
        case "Echo":
            return VarlinkReply(["person": try call.parameters(as: [String: Person].self)["person"]]
            )
        case "Count": return try await count(call)
        case "Fail": throw try failure(call)
        case "Note":
            diary.add(try call.parameters(as: [String: String].self)["text"] ?? "")
            return VarlinkReply()
        case "Hold":
            diary.add("began")
            await diary.has("released")
            return VarlinkReply()
        case "Wait": return try await waitForCancellation(call)
        case "ReadDescriptor": return try readDescriptor(call)
        case "GiveDescriptor": return try giveDescriptor(call)
        case "Flood": return try await flood(call)
        case "WhoAmI": return VarlinkReply(WhoAmI(call))
        default: throw VarlinkError.methodNotImplemented(call.qualifiedMethod)
        }
    }

    func error(for error: any Error) -> VarlinkError {
        VarlinkError("org.example.Sample.Unexpected", ["reason": "\(error)"])
    }
}

extension SampleInterface {
    struct WhoAmI: Codable, Sendable {
        var pid: Int32
        var uid: UInt32
        var gid: UInt32
        var listener: String

        init(_ call: VarlinkCall) {
            pid = call.peer?.processID ?? -1
            uid = call.peer?.userID ?? 0
            gid = call.peer?.groupID ?? 0
            listener = call.listener
        }
    }

    struct Content: Codable, Sendable, Equatable {
        var text: String
        var count: Int
    }

    private func count(_ call: VarlinkCall) async throws -> VarlinkReply {
        try call.requireMore()
        let to = try call.parameters(as: [String: Int].self)["to"] ?? 1
        for number in 1..<max(to, 1) {
            try await call.reply(["number": number])
        }
        return VarlinkReply(["number": to])
    }

    private func failure(_ call: VarlinkCall) throws -> any Error {
        switch try call.parameters(as: [String: String].self)["kind"] {
        case "odd": VarlinkError("org.example.Sample.Odd", ["number": 7])
        case "denied": VarlinkError.permissionDenied
        default: Broken()
        }
    }

    /// Notes how it began and how it ended.
    private func waitForCancellation(_ call: VarlinkCall) async throws -> VarlinkReply {
        diary.add("began")
        do {
            try await Task.sleep(for: .seconds(60))
        } catch {
            diary.add("cancelled")
            throw error
        }
        return VarlinkReply()
    }

    private func readDescriptor(_ call: VarlinkCall) throws -> VarlinkReply {
        let index = try call.parameters(as: [String: Int].self)["index"] ?? 0
        let descriptor = try call.descriptor(at: index, parameter: "index")
        var buffer = [UInt8](repeating: 0, count: 100)
        let got = pread(descriptor.rawValue, &buffer, buffer.count, 0)
        let text = String(decoding: buffer.prefix(max(got, 0)), as: UTF8.self)
        return VarlinkReply(Content(text: text, count: call.descriptors.count))
    }

    private func giveDescriptor(_ call: VarlinkCall) throws -> VarlinkReply {
        let text = try call.parameters(as: [String: String].self)["text"] ?? ""
        return VarlinkReply(descriptors: [try temporaryFile(holding: text)])
    }

    /// Replies until the client or the service has had enough.
    private func flood(_ call: VarlinkCall) async throws -> VarlinkReply {
        let bytes = try call.parameters(as: [String: Int].self)["bytes"] ?? 1
        let filler = String(repeating: "x", count: bytes)
        diary.add("began")
        do {
            while true {
                try await call.reply(["filler": filler])
                diary.add("wrote")
            }
        } catch {
            diary.add("ended: \(error)")
            throw error
        }
    }
}

/// What handlers did, for tests to wait for.
final class Diary: Sendable {
    private struct State {
        var lines: [String] = []
        var readers: [(line: String, continuation: CheckedContinuation<Void, Never>)] = []
    }

    private let state = Mutex(State())

    var lines: [String] {
        state.withLock { $0.lines }
    }

    func add(_ line: String) {
        let ready = state.withLock { state in
            state.lines.append(line)
            let ready = state.readers.filter { line.hasPrefix($0.line) }.map(\.continuation)
            state.readers.removeAll { line.hasPrefix($0.line) }
            return ready
        }
        for continuation in ready {
            continuation.resume()
        }
    }

    /// Returns when a line that begins so has been written.
    func has(_ prefix: String) async {
        await withCheckedContinuation { continuation in
            let isThere = state.withLock { state in
                if state.lines.contains(where: { $0.hasPrefix(prefix) }) { return true }
                state.readers.append((prefix, continuation))
                return false
            }
            if isThere { continuation.resume() }
        }
    }
}
