import CSystemd
import Glibc
import Logging

/// Sends structured entries to the journal: `journalctl PEER=…` finds the metadata `peer`.
///
/// Fields are those of ``JournalEntry``. Metadata is sent as it is: keep secrets out of it.
package struct JournalLogHandler: LogHandler {
    package var metadata: Logger.Metadata = [:]
    package var metadataProvider: Logger.MetadataProvider?

    private let identifier: String
    private let sharedLevel: SharedLogLevel
    private var ownLevel: Logger.Level?

    package init(identifier: String, level: SharedLogLevel) {
        self.identifier = identifier
        sharedLevel = level
    }

    package var logLevel: Logger.Level {
        get { ownLevel ?? sharedLevel.level }
        set { ownLevel = newValue }
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        let entry = JournalEntry(
            event: event,
            metadata: event.allMetadata(handler: metadata, provider: metadataProvider),
            identifier: identifier)
        if Self.send(entry) != 0 {
            // The journal is away: standard error is a pipe to it that may still be read.
            StderrLogHandler(level: sharedLevel).log(event: event)
        }
    }

    /// The only code that holds pointers: they live as long as `bytes` is borrowed.
    ///
    /// - Returns: 0, or a negative `errno`.
    static func send(_ entry: JournalEntry) -> CInt {
        var bytes: [UInt8] = []
        var ends: [Int] = []
        for field in entry.fields {
            bytes += field.name.utf8
            bytes.append(UInt8(ascii: "="))
            bytes += field.value
            ends.append(bytes.count)
        }
        return bytes.withUnsafeMutableBytes { buffer in
            var start = 0
            let vectors = ends.map { end in
                defer { start = end }
                return iovec(iov_base: buffer.baseAddress.map { $0 + start }, iov_len: end - start)
            }
            return sd_journal_sendv(vectors, CInt(vectors.count))
        }
    }
}
