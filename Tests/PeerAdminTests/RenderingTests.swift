import AdminWire
import Testing

@testable import PeerAdmin

@Suite("Figures for people")
struct HumanFormatTests {
    @Test(
        "Sizes have three digits and a decimal unit",
        arguments: [
            (0, "0 B"), (999, "999 B"), (1000, "1.00 kB"), (4_194_304, "4.19 MB"),
            (99_949, "99.9 kB"), (99_950, "100 kB"), (999_499, "999 kB"), (999_500, "1.00 MB"),
            (120_000_000_000, "120 GB"), (Int.max, "9.22 EB"),
        ])
    func size(bytes: Int, text: String) {
        #expect(HumanFormat.size(bytes) == text)
    }

    @Test(
        "Durations have their two largest units",
        arguments: [
            (0, "0 ms"), (5, "5 ms"), (1234, "1.23 s"), (59_999, "60.0 s"), (184_000, "3 min 4 s"),
            (7_500_000, "2 h 5 min"), (1_047_600_000, "12 d 3 h"), (-5, "0 ms"),
        ])
    func duration(milliseconds: Int, text: String) {
        #expect(HumanFormat.duration(milliseconds: milliseconds) == text)
    }

    @Test(
        "Ages have their largest unit, and the future is now",
        arguments: [
            (0, "now"), (-10, "now"), (40, "40 s"), (200, "3 min"), (7300, "2 h"),
            (86_400 * 12, "12 d"), (86_400 * 800, "2 y"),
        ])
    func age(seconds: Int, text: String) {
        #expect(HumanFormat.age(of: 5_000_000, at: 5_000_000 + seconds * 1000) == text)
    }

    @Test(
        "Counts have their thousands apart",
        arguments: [
            (0, "0"), (999, "999"), (1000, "1,000"), (4_194_304, "4,194,304"), (-1234, "-1,234"),
        ])
    func count(number: Int, text: String) {
        #expect(HumanFormat.count(number) == text)
    }

    @Test("Rates need time to pass")
    func rate() {
        #expect(HumanFormat.rate(bytes: 5, milliseconds: 0) == "-")
        #expect(HumanFormat.rate(bytes: 4_194_304, milliseconds: 31) == "135 MB/s")
    }

    @Test(
        "Round trips choose their unit",
        arguments: [(350, "350 us"), (1200, "1.20 ms"), (2_500_000, "2.50 s")])
    func roundTrip(microseconds: Int, text: String) {
        #expect(HumanFormat.roundTrip(microseconds: microseconds) == text)
    }
}

@Suite("Text on a terminal")
struct TerminalTextTests {
    @Test(
        "What a terminal acts on is escaped",
        arguments: [
            ("plain é 日本", "plain é 日本"),
            ("a\nb\tc\r", "a\\nb\\tc\\r"),
            ("\u{1b}[31mred\u{1b}]0;title\u{7}", "\\u{1b}[31mred\\u{1b}]0;title\\u{7}"),
            ("\u{9b}31m\u{7f}", "\\u{9b}31m\\u{7f}"),
            ("exe.\u{202e}fdp", "exe.\\u{202e}fdp"),
            ("back\\n", "back\\\\n"),
            ("\u{2028}\u{2066}", "\\u{2028}\\u{2066}"),
            ("\0", "\\u{0}"),
        ])
    func escaped(text: String, expected: String) {
        #expect(TerminalText.escaped(text) == expected)
    }

    @Test(
        "Widths are those of a terminal",
        arguments: [("abc", 3), ("é", 1), ("e\u{301}", 1), ("日本", 4), ("한", 2), ("📦", 2), ("", 0)])
    func width(text: String, columns: Int) {
        #expect(TerminalText.width(text) == columns)
    }
}

@Suite("Tables")
struct TableTests {
    private func table() -> Table {
        var table = Table([
            .init(title: "NAME"), .init(title: "SIZE", isRight: true), .init(title: "X"),
        ])
        table.append(["日本", "5 B", "x"])
        table.append([.init("a\u{1b}b", color: .red), "1.00 kB", ""])
        return table
    }

    @Test("Columns line up whatever the letters are, and no line ends in a space")
    func alignment() {
        let expected = """
            NAME         SIZE  X
            日本          5 B  x
            a\\u{1b}b  1.00 kB

            """
        let lines = table().rendered(style: Style(isColored: false))
            .split(separator: "\n", omittingEmptySubsequences: false).map { line in
                String(line.reversed().drop { $0 == " " }.reversed())
            }
        #expect(lines.joined(separator: "\n") == expected)
    }

    @Test("Colour does not move columns")
    func colour() {
        let plain = table().rendered(style: Style(isColored: false))
        var colored = table().rendered(style: Style(isColored: true))
        #expect(colored.contains("\u{1b}[31ma\\u{1b}b\u{1b}[0m"))
        for code in ["\u{1b}[31m", "\u{1b}[1m", "\u{1b}[0m"] {
            colored = colored.split(separator: code, omittingEmptySubsequences: false).joined()
        }
        #expect(colored == plain)
    }
}

@Suite("Progress bar")
struct ProgressBarTests {
    private func progress(_ received: Int, _ elapsed: Int, size: Int? = 1_000_000) -> Admin.Progress
    {
        Admin.Progress(
            state: "receiving", path: "a/b\u{1b}.bin", size: size, received: received, resumed: 0,
            elapsed_ms: elapsed)
    }

    @Test("It tells percent, bytes, speed and what is left")
    func figures() {
        var bar = ProgressBar()
        _ = bar.line(progress(0, 0), width: 100)
        let line = bar.line(progress(500_000, 1000), width: 100)
        #expect(line.contains("b\\u{1b}.bin"))
        #expect(line.contains("50 %  500 kB of 1.00 MB  500 kB/s  ETA 1 s"))
        #expect(line.contains("[="))
    }

    @Test("It fits, whatever the width", arguments: [1, 5, 10, 20, 40, 60, 80, 200])
    func width(columns: Int) {
        var bar = ProgressBar()
        for step in 0...10 {
            let line = bar.line(progress(step * 100_000, step * 100), width: columns)
            #expect(TerminalText.width(line) <= max(columns - 1, 1))
        }
    }

    @Test("It bears sources that send too much, sizes that are unknown, and clocks that stand")
    func odd() {
        var bar = ProgressBar()
        #expect(bar.line(progress(5, 0, size: nil), width: 80).contains("5 B"))
        #expect(bar.line(progress(9, 0, size: 0), width: 80).contains("9 B"))
        #expect(bar.line(progress(2_000_000, 0), width: 80).contains("100 %"))
        #expect(bar.line(progress(0, 10), width: 80).contains("0 %"))
    }
}

@Suite("JSON lines")
struct JSONLineTests {
    @Test("A line is one object with its version and its type")
    func line() throws {
        let line = try JSONLine.rendered("failure", Admin.Failure(url: "http://a/", reason: "b"))
        #expect(
            line == #"{"version":1,"type":"failure","failure":{"reason":"b","url":"http://a/"}}"#
                + "\n")
    }

    @Test("Nothing in it moves a terminal, and it decodes to what it was")
    func harmless() throws {
        let reason = "\u{1b}[2J\u{9b}\u{7f}\u{202e}\n"
        let line = try JSONLine.rendered("failure", Admin.Failure(url: "", reason: reason))
        #expect(!line.dropLast().unicodeScalars.contains(where: TerminalText.isActive))
        #expect(line.contains(#"\u009b\u007f\u202e\n"#))
    }
}
