import AdminWire

/// One line that tells how far a transfer is, fit for a terminal's width.
///
/// Speed is that of the last seconds (an exponential mean with a time constant of 3 s), so that
/// the estimate follows a source that slows down without jumping at each reply.
struct ProgressBar {
    private var bytesPerSecond: Double?
    private var last: (received: Int, elapsed: Int)?

    /// - Parameters:
    ///   - progress: The newest; times must not run backwards.
    ///   - width: Columns of the terminal.
    /// - Returns: The line, shorter than `width`, without a newline.
    mutating func line(_ progress: Admin.Progress, width: Int) -> String {
        measure(progress)
        let name = TerminalText.escaped(
            String(progress.path.split(separator: "/").last ?? Substring(progress.path)))
        let figures = figures(progress)
        // Name, figures, four spaces, and a column that stays free for the cursor.
        let room = width - 1 - TerminalText.width(figures) - 2
        var line = fitted(name, to: max(min(room - 14, 40), 8))
        let bar = room - TerminalText.width(line) - 2
        if let size = progress.size, size > 0, bar >= 10 {
            line += "  " + Self.bar(progress.received, of: size, width: min(bar, 40))
        }
        return fitted(line + "  " + figures, to: max(width - 1, 1))
    }

    private mutating func measure(_ progress: Admin.Progress) {
        defer { last = (progress.received, progress.elapsed_ms) }
        guard let last, progress.elapsed_ms > last.elapsed, progress.received >= last.received
        else { return }
        let seconds = Double(progress.elapsed_ms - last.elapsed) / 1000
        let rate = Double(progress.received - last.received) / seconds
        // 1 - exp(-t/3) to first order, which needs no C library.
        let weight = min(seconds / 3, 1)
        bytesPerSecond = (bytesPerSecond ?? rate) * (1 - weight) + rate * weight
    }

    private func figures(_ progress: Admin.Progress) -> String {
        let received = HumanFormat.size(progress.received)
        guard progress.state == "receiving" else {
            return "\(received)  \(TerminalText.escaped(progress.state))"
        }
        guard let size = progress.size, size > 0 else { return received }
        let percent = min(progress.received, size) * 100 / size
        var figures = "\(percent) %  \(received) of \(HumanFormat.size(size))"
        if let rate = bytesPerSecond, rate >= 1 {
            let left = Double(max(size - progress.received, 0)) / rate
            figures += "  \(HumanFormat.size(Int(rate)))/s  ETA "
            // Whole seconds: digits behind the point would pretend to know.
            let seconds = Int(min(left, 1e9).rounded(.up))
            figures +=
                seconds < 60 ? "\(seconds) s" : HumanFormat.duration(milliseconds: seconds * 1000)
        }
        return figures
    }

    private static func bar(_ received: Int, of size: Int, width: Int) -> String {
        let inside = width - 2
        let filled = Int(Double(inside) * min(Double(received) / Double(size), 1))
        let tip = filled < inside ? ">" : ""
        let rest = String(repeating: " ", count: inside - filled - tip.count)
        return "[" + String(repeating: "=", count: filled) + tip + rest + "]"
    }

    /// The beginning of `text` that takes at most `columns`, marked where something is missing.
    private func fitted(_ text: String, to columns: Int) -> String {
        guard TerminalText.width(text) > columns else { return text }
        var result = ""
        for character in text {
            guard TerminalText.width(result) + TerminalText.width(String(character)) < columns
            else { break }
            result.append(character)
        }
        return result + "~"
    }
}
