import Logging

/// One entry of the journal as fields. Pure: ``JournalLogHandler`` sends it.
///
/// Source: systemd.journal-fields(7), sd_journal_sendv(3).
struct JournalEntry: Equatable {
    struct Field: Equatable {
        let name: String
        let value: [UInt8]
    }

    /// journald refuses longer names.
    static let nameBytesMax = 64
    /// Longest value, in bytes; journald compresses but keeps all that it is sent (guess).
    static let valueBytesMax = 16384
    /// Most fields out of metadata (guess; journald takes 1024).
    static let metadataFieldsMax = 64

    let fields: [Field]

    init(event: LogEvent, metadata: Logger.Metadata, identifier: String) {
        var fields = [
            // `journalctl` shows nothing else: who and what belong to it as they do elsewhere.
            Self.field("MESSAGE", LogLine.text(event.message.description, metadata)),
            Self.field("PRIORITY", String(Self.priority(event.level))),
            Self.field("SYSLOG_IDENTIFIER", identifier),
            Self.field("CODE_FILE", event.file),
            Self.field("CODE_LINE", String(event.line)),
            Self.field("CODE_FUNC", event.function),
        ]
        // A value named like one of these would stand beside it and make two.
        let taken = Set(fields.map(\.name))
        for (key, value) in metadata.sorted(by: { $0.key < $1.key }).prefix(Self.metadataFieldsMax)
        {
            guard let name = Self.name(key) else { continue }
            fields.append(
                Self.field(taken.contains(name) ? "META_\(name)" : name, value.description))
        }
        self.fields = fields
    }

    /// The journal's name for a metadata key: upper-case, `A-Z0-9_`, beginning with a letter, at
    /// most 64 bytes. Nil where nothing is left. `message_id` becomes MESSAGE_ID, which finds the
    /// message's catalog entry.
    static func name(_ key: String) -> String? {
        var name: [UInt8] = []
        for byte in key.utf8 {
            let upper = byte &- UInt8(ascii: "a") < 26 ? byte - 32 : byte
            let isLetter = upper &- UInt8(ascii: "A") < 26
            let isDigit = upper &- UInt8(ascii: "0") < 10
            // A leading underscore marks a field that journald vouches for.
            if name.isEmpty, !isLetter { continue }
            name.append(isLetter || isDigit ? upper : UInt8(ascii: "_"))
            if name.count == nameBytesMax { break }
        }
        return name.isEmpty ? nil : String(decoding: name, as: UTF8.self)
    }

    /// syslog(3)'s priorities.
    static func priority(_ level: Logger.Level) -> Int {
        switch level {
        case .critical: 2
        case .error: 3
        case .warning: 4
        case .notice: 5
        case .info: 6
        case .debug, .trace: 7
        }
    }

    private static func field(_ name: String, _ value: String) -> Field {
        Field(name: name, value: Array(value.utf8.prefix(valueBytesMax)))
    }
}
