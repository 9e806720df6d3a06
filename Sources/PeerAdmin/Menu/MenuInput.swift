import Glibc

/// Lines that somebody types, or that come through a pipe, beside what else the menu waits for.
final class MenuInput {
    enum Event: Equatable {
        /// Without its end, and without spaces around it.
        case line(String)
        /// Ctrl-D, or the pipe's end.
        case end
        /// Ctrl-C.
        case interrupted
        /// ``BackgroundTransfers`` has something to tell.
        case woken
    }

    /// What a terminal takes in one line (N_TTY_BUF_SIZE); the rest of a longer one is dropped.
    static let lineBytesMax = 4096

    private let descriptor: Int32
    private let interrupt: Int32?
    private let wakeup: Int32
    private var bytes: [UInt8] = []
    /// Bytes of the line that has no end yet.
    private var lineBytes = 0
    private var hasEnded = false

    /// - Parameters:
    ///   - descriptor: Read from; all three stay the caller's.
    ///   - interrupt: Readable when Ctrl-C was pressed, by a signalfd, say.
    ///   - wakeup: An eventfd.
    init(descriptor: Int32, interrupt: Int32?, wakeup: Int32) {
        self.descriptor = descriptor
        self.interrupt = interrupt
        self.wakeup = wakeup
    }

    /// Blocks for what comes next.
    ///
    /// - Parameter readsLines: False leaves what is typed where it is.
    func next(readsLines: Bool = true) -> Event {
        while true {
            if readsLines {
                if let line = takeLine() { return .line(line) }
                if hasEnded { return .end }
            }
            var entries = [
                pollfd(fd: readsLines ? descriptor : -1, events: Int16(POLLIN), revents: 0),
                pollfd(fd: interrupt ?? -1, events: Int16(POLLIN), revents: 0),
                pollfd(fd: wakeup, events: Int16(POLLIN), revents: 0),
            ]
            // Fails with EINTR and ENOMEM, and then nothing is ready.
            if poll(&entries, 3, -1) <= 0 { continue }
            if entries[1].revents != 0 {
                forgetInterrupt()
                return .interrupted
            }
            if entries[2].revents != 0 {
                Self.drain(wakeup)
                return .woken
            }
            fill()
        }
    }

    /// Takes note of a Ctrl-C that has been acted on, with what was typed before it.
    func forgetInterrupt() {
        if let interrupt { Self.drain(interrupt) }
        (bytes, lineBytes) = ([], 0)
    }

    private func takeLine() -> String? {
        guard let end = bytes.firstIndex(of: UInt8(ascii: "\n")) else {
            guard hasEnded, !bytes.isEmpty else { return nil }
            defer { bytes = [] }
            return Self.text(bytes[...])
        }
        defer { bytes.removeFirst(end + 1) }
        return Self.text(bytes[..<end])
    }

    private static func text(_ line: ArraySlice<UInt8>) -> String {
        // A serial console may end lines with CR LF.
        let blank = Set(" \t\r".utf8)
        let begin = line.firstIndex { !blank.contains($0) } ?? line.endIndex
        let end = line.lastIndex { !blank.contains($0) }.map { $0 + 1 } ?? begin
        return String(decoding: line[begin..<end], as: UTF8.self)
    }

    private func fill() {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = read(descriptor, &buffer, buffer.count)
        if count < 0, errno == EINTR || errno == EAGAIN { return }
        // EIO: the terminal has gone.
        guard count > 0 else {
            hasEnded = true
            return
        }
        for byte in buffer[..<count] {
            if byte == UInt8(ascii: "\n") {
                lineBytes = 0
                bytes.append(byte)
            } else if lineBytes < Self.lineBytesMax {
                lineBytes += 1
                bytes.append(byte)
            }
        }
    }

    /// Takes what is there off a descriptor that is readable.
    private static func drain(_ descriptor: Int32) {
        var buffer = [UInt8](repeating: 0, count: 128)
        _ = read(descriptor, &buffer, buffer.count)
    }
}
