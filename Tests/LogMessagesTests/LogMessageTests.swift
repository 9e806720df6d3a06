import FoundationEssentials
import Logging
import Synchronization
import Testing

@testable import LogMessages

@Suite("Log messages and the journal's catalog")
struct LogMessageTests {
    /// The entries of `packaging/systemd/p2p-peer.catalog` by id.
    ///
    /// An entry is a line `-- ID`, header lines `Name: value`, an empty line, and the text up to
    /// the next `-- `.
    private func catalog() throws -> [(id: String, lines: [Substring])] {
        let root = URL(filePath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let text = try String(
            contentsOf: root.appending(path: "packaging/systemd/p2p-peer.catalog"), encoding: .utf8)
        var entries: [(id: String, lines: [Substring])] = []
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.hasPrefix("-- ") {
                entries.append((String(line.dropFirst(3)), []))
            } else if !entries.isEmpty {
                entries[entries.count - 1].lines.append(line)
            }
        }
        return entries
    }

    @Test("Every id is 128 bits in lower-case hexadecimal digits", arguments: LogMessage.allCases)
    func shape(message: LogMessage) {
        #expect(message.id.wholeMatch(of: /[0-9a-f]{32}/) != nil)
    }

    @Test("The catalog has one entry for each message, and none besides")
    func complete() throws {
        let ids = try catalog().map(\.id)
        #expect(ids.sorted() == LogMessage.allCases.map(\.id).sorted())
    }

    @Test("An entry says in its header what it is and where to read on, and has a text")
    func entries() throws {
        for (id, lines) in try catalog() {
            let header = lines.prefix { !$0.isEmpty }
            let names = header.compactMap { $0.split(separator: ":").first }
            #expect(names == ["Subject", "Defined-By", "Support", "Documentation"], "\(id)")
            #expect(lines.dropFirst(header.count).contains { !$0.isEmpty }, "\(id)")
            #expect(lines.allSatisfy { $0.utf8.count <= 80 }, "\(id)")
        }
    }

    @Test("A report has the message's level, text and id, and the caller's metadata")
    func report() {
        let recorder = Recorder()
        Logger(label: "test") { _ in recorder }.report(.peerLost, ["peer": "http://a:1"])
        #expect(
            recorder.events.lines == [
                "warning peer lost message_id=\(LogMessage.peerLost.id) peer=http://a:1"
            ])
    }
}

/// Keeps what is logged.
private struct Recorder: LogHandler {
    final class Events: Sendable {
        private let kept = Mutex<[String]>([])
        var lines: [String] { kept.withLock { $0 } }
        func append(_ line: String) { kept.withLock { $0.append(line) } }
    }

    let events = Events()
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.trace

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let fields = (event.metadata ?? [:]).sorted { $0.key < $1.key }
            .map { " \($0.key)=\($0.value)" }.joined()
        events.append("\(event.level) \(event.message)\(fields)")
    }
}
