import Glibc
import Logging

/// The text of one log line. Pure.
enum LogLine {
    /// Metadata for the journal's catalog, which says nothing to a reader.
    static let unprintedKey = "message_id"

    /// The longest line, in bytes with its line feed; what is beyond ends in `…`.
    static let bytesMax = 8192

    /// - Parameters:
    ///   - seconds: Since 1970, UTC.
    ///   - milliseconds: 0-999, of that second.
    static func encode(
        seconds: Int, milliseconds: Int, level: Logger.Level, message: String,
        metadata: Logger.Metadata
    ) -> [UInt8] {
        bounded(
            "\(timestamp(seconds, milliseconds)) \(level.rawValue) " + text(message, metadata))
    }

    /// `message key=value …` in one line, not much longer than ``bytesMax``.
    static func text(_ message: String, _ metadata: Logger.Metadata) -> String {
        var line = ""
        append(message, to: &line, quoting: false)
        for (key, value) in metadata.sorted(by: { $0.key < $1.key }) where key != unprintedKey {
            guard line.utf8.count < bytesMax else { break }
            line += " "
            append(key, to: &line, quoting: needsQuotes(key))
            line += "="
            let text = value.description
            if needsQuotes(text) {
                line += "\""
                append(text, to: &line, quoting: true)
                line += "\""
            } else {
                line += text
            }
        }
        return line
    }

    /// RFC 3339 in UTC with milliseconds.
    static func timestamp(_ seconds: Int, _ milliseconds: Int) -> String {
        var seconds = time_t(seconds)
        var parts = tm()
        gmtime_r(&seconds, &parts)
        let date =
            "\(padded(Int(parts.tm_year) + 1900, 4))-\(padded(Int(parts.tm_mon) + 1, 2))"
            + "-\(padded(Int(parts.tm_mday), 2))"
        let clock =
            "\(padded(Int(parts.tm_hour), 2)):\(padded(Int(parts.tm_min), 2))"
            + ":\(padded(Int(parts.tm_sec), 2)).\(padded(milliseconds, 3))"
        return "\(date)T\(clock)Z"
    }

    private static func padded(_ number: Int, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }

    private static func needsQuotes(_ text: String) -> Bool {
        text.isEmpty
            || text.unicodeScalars.contains {
                $0 == " " || $0 == "\"" || $0 == "=" || $0 == "\\" || !isPlain($0)
            }
    }

    /// Whether a scalar may reach a terminal as it is: no control characters (C0, DEL, C1), and
    /// none that break lines or reorder text.
    private static func isPlain(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator: false
        default: true
        }
    }

    private static func append(_ text: String, to line: inout String, quoting: Bool) {
        for scalar in text.unicodeScalars {
            guard line.utf8.count <= bytesMax else { return }
            switch scalar {
            case "\n": line += "\\n"
            case "\r": line += "\\r"
            case "\t": line += "\\t"
            case "\"" where quoting: line += "\\\""
            case "\\" where quoting: line += "\\\\"
            case _ where isPlain(scalar): line.unicodeScalars.append(scalar)
            default: line += "\\u{\(String(scalar.value, radix: 16))}"
            }
        }
    }

    private static func bounded(_ line: String) -> [UInt8] {
        let ellipsis = Array("…".utf8)
        var bytes = Array(line.utf8)
        if bytes.count > bytesMax - 1 {
            var end = bytesMax - 1 - ellipsis.count
            // Not within a character: continuation bytes are 10xxxxxx.
            while end > 0, bytes[end] & 0xC0 == 0x80 { end -= 1 }
            bytes = bytes[..<end] + ellipsis
        }
        bytes.append(UInt8(ascii: "\n"))
        return bytes
    }
}
