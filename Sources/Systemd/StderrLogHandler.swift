import CSystemd
import Glibc
import Logging

/// Writes readable lines to standard error, one write(2) each:
/// `2026-11-21T10:00:00.123Z info message key=value`.
package struct StderrLogHandler: LogHandler {
    package var metadata: Logger.Metadata = [:]
    package var metadataProvider: Logger.MetadataProvider?

    private let sharedLevel: SharedLogLevel
    private var ownLevel: Logger.Level?
    private let descriptor: CInt

    package init(level: SharedLogLevel, descriptor: CInt = STDERR_FILENO) {
        sharedLevel = level
        self.descriptor = descriptor
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
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        let line = LogLine.encode(
            seconds: now.tv_sec, milliseconds: now.tv_nsec / 1_000_000, level: event.level,
            message: event.message.description,
            metadata: event.allMetadata(handler: metadata, provider: metadataProvider))
        Self.write(line, to: descriptor)
    }

    /// A log that cannot be written has nobody to tell: the line is dropped.
    private static func write(_ line: [UInt8], to descriptor: CInt) {
        var rest = line[...]
        while !rest.isEmpty {
            let written = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if written > 0 {
                rest = rest.dropFirst(written)
            } else if errno != EINTR {
                return
            }
        }
    }
}

extension LogEvent {
    /// The handler's metadata, overridden by the provider's, overridden by the statement's.
    func allMetadata(
        handler: Logger.Metadata, provider: Logger.MetadataProvider?
    ) -> Logger.Metadata {
        var all = handler
        if let provided = provider?.get() { all.merge(provided) { _, new in new } }
        if let error, all["error"] == nil { all["error"] = "\(error)" }
        if let metadata { all.merge(metadata) { _, new in new } }
        return all
    }
}
