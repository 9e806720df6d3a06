import Glibc
import Logging
import Testing

@testable import Systemd

@Suite("Log lines and journal fields")
struct LogTests {
    private let ten = 1_795_255_200

    private func line(_ message: String, _ metadata: Logger.Metadata = [:]) -> String {
        String(
            decoding: LogLine.encode(
                seconds: ten, milliseconds: 123, level: .info, message: message,
                metadata: metadata),
            as: UTF8.self)
    }

    @Test("A line has time, level, message and metadata in the order of their keys")
    func plainLine() {
        #expect(
            line("peer joined", ["url": "http://a:1", "attempt": "2"])
                == "2026-11-21T10:00:00.123Z info peer joined attempt=2 url=http://a:1\n")
    }

    @Test(
        "Values that could be misread are quoted and escaped",
        arguments: [
            ("two words", #"k="two words""#), ("", #"k="""#), ("a=b", #"k="a=b""#),
            ("say \"hi\"", #"k="say \"hi\"""#), ("a\nb", #"k="a\nb""#),
            ("\u{1b}[31m", #"k="\u{1b}[31m""#), ("c:\\d", #"k="c:\\d""#),
            ("\u{202e}x", #"k="\u{202e}x""#), ("ñandú", "k=ñandú"),
        ])
    func quoting(value: String, expected: String) {
        #expect(line("m", ["k": .string(value)]).hasSuffix(" m \(expected)\n"))
    }

    @Test("A line leaves out the id for the journal's catalog")
    func messageIDIsNotPrinted() {
        #expect(line("m", ["message_id": "65000d", "peer": "a"]).hasSuffix(" info m peer=a\n"))
    }

    @Test("A message cannot forge a second line")
    func messageIsOneLine() {
        #expect(line("a\n2026 error b").filter { $0 == "\n" }.count == 1)
    }

    @Test("A line is at most 8 KiB and cut between characters", arguments: 0..<4)
    func bounded(offset: Int) {
        let message = String(repeating: "x", count: offset) + String(repeating: "€", count: 9000)
        let bytes = LogLine.encode(
            seconds: ten, milliseconds: 0, level: .info, message: message, metadata: [:])
        #expect(bytes.count <= LogLine.bytesMax)
        #expect(bytes.count > LogLine.bytesMax - 8)
        #expect(String(validating: bytes, as: UTF8.self)?.hasSuffix("…\n") == true)
    }

    @Test(
        "Metadata keys become journal field names",
        arguments: [
            ("peer", "PEER"), ("message_id", "MESSAGE_ID"),
            ("http.status-code", "HTTP_STATUS_CODE"),
            ("_PID", "PID"), ("9lives", "LIVES"), ("ñ", nil), ("", nil), ("__1", nil),
            (String(repeating: "k", count: 80), String(repeating: "K", count: 64)),
        ])
    func fieldNames(key: String, expected: String?) {
        #expect(JournalEntry.name(key) == expected)
    }

    private func fields(_ metadata: Logger.Metadata, level: Logger.Level = .warning) -> [String] {
        let event = LogEvent(
            level: level, message: "two\nlines", metadata: nil, source: "s", file: "M/F.swift",
            function: "f()", line: 7)
        return JournalEntry(event: event, metadata: metadata, identifier: "p2p-peer").fields.map {
            "\($0.name)=\(String(decoding: $0.value, as: UTF8.self))"
        }
    }

    @Test("An entry has the journal's standard fields, then the metadata")
    func entry() {
        #expect(
            fields(["peer": "a b", "count": .stringConvertible(3)]) == [
                #"MESSAGE=two\nlines count=3 peer="a b""#, "PRIORITY=4",
                "SYSLOG_IDENTIFIER=p2p-peer",
                "CODE_FILE=M/F.swift", "CODE_LINE=7", "CODE_FUNC=f()", "COUNT=3", "PEER=a b",
            ])
    }

    @Test("The id for the journal's catalog is a field, and not part of the text")
    func messageID() {
        let all = fields(["message_id": "65000d"])
        #expect(all.contains("MESSAGE_ID=65000d"))
        #expect(all.first == #"MESSAGE=two\nlines"#)
    }

    @Test("Metadata cannot stand in for a standard field")
    func reservedFields() {
        #expect(fields(["priority": "0"]).contains("META_PRIORITY=0"))
    }

    @Test("Fields and values are bounded")
    func boundedEntry() {
        let many = Dictionary(uniqueKeysWithValues: (0..<200).map { ("k\($0)", "v") })
        let metadata = many.mapValues { Logger.MetadataValue.string($0) }
        #expect(fields(metadata).count == 6 + JournalEntry.metadataFieldsMax)
        let long = fields(["k": .string(String(repeating: "x", count: 100_000))])
        #expect(long.last?.utf8.count == 2 + JournalEntry.valueBytesMax)
    }

    @Test("Sending with or without a journal returns")
    func send() {
        // Without journald the library drops the entry and says 0.
        let event = LogEvent(
            level: .debug, message: "test of the journal handler", metadata: nil, source: "s",
            file: "f", function: "f", line: 1)
        let entry = JournalEntry(event: event, metadata: [:], identifier: "p2p-peer-tests")
        #expect(JournalLogHandler.send(entry) <= 0)
    }

    @Test("Handlers follow the shared level until they are given their own")
    func liveLevel() {
        let shared = SharedLogLevel(.info)
        let follower = StderrLogHandler(level: shared)
        var own = JournalLogHandler(identifier: "x", level: shared)
        own.logLevel = .error
        shared.level = .trace
        #expect(follower.logLevel == .trace)
        #expect(own.logLevel == .error)
    }

    @Test("The statement's metadata wins over the provider's and the handler's")
    func metadataOrder() {
        let event = LogEvent(
            level: .info, message: "m", metadata: ["a": "statement"], source: "s", file: "f",
            function: "f", line: 1)
        let provider = Logger.MetadataProvider { ["a": "provider", "b": "provider"] }
        let all = event.allMetadata(
            handler: ["a": "handler", "b": "handler", "c": "handler"], provider: provider)
        #expect(all == ["a": "statement", "b": "provider", "c": "handler"])
    }

    @Test("The readable handler writes whole lines to its descriptor")
    func writesLine() throws {
        var ends: [CInt] = [0, 0]
        try #require(pipe(&ends) == 0)
        defer { close(ends[0]) }
        let handler = StderrLogHandler(level: SharedLogLevel(.info), descriptor: ends[1])
        handler.log(
            event: LogEvent(
                level: .notice, message: "hello", metadata: ["k": "v"], source: "s", file: "f",
                function: "f", line: 1))
        close(ends[1])
        var buffer = [UInt8](repeating: 0, count: 256)
        let count = read(ends[0], &buffer, buffer.count)
        let line = String(decoding: buffer.prefix(count), as: UTF8.self)
        #expect(line.hasSuffix("Z notice hello k=v\n"))
    }

    @Test("The journal is used only when the descriptor is its stream")
    func destination() throws {
        var ends: [CInt] = [0, 0]
        try #require(pipe(&ends) == 0)
        defer {
            for end in ends { close(end) }
        }
        var status = stat()
        try #require(fstat(ends[1], &status) == 0)
        let stream = "\(status.st_dev):\(status.st_ino)"
        func detect(_ environment: [String: String]) -> LogDestination {
            .detect(environment: environment, descriptor: ends[1])
        }
        #expect(detect(["JOURNAL_STREAM": stream]) == .journal)
        #expect(detect(["JOURNAL_STREAM": "1:2"]) == .standardError)
        #expect(detect([:]) == .standardError)
        #expect(
            LogDestination.journal.makeHandler(identifier: "x", level: SharedLogLevel(.info))
                is JournalLogHandler)
    }
}
