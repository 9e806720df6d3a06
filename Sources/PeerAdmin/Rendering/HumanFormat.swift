/// Figures as people read them. Units are decimal: 1 MB is 1,000,000 bytes.
enum HumanFormat {
    /// Three significant digits: "0 B", "999 B", "4.19 MB", "120 GB".
    static func size(_ bytes: Int) -> String {
        guard bytes >= 1000 else { return "\(bytes) B" }
        var value = Double(bytes)
        var unit = 0
        let units = ["B", "kB", "MB", "GB", "TB", "PB", "EB"]
        // 999.5 would be printed as 1000 of its unit.
        while value >= 999.5, unit < units.count - 1 {
            value /= 1000
            unit += 1
        }
        return "\(digits(value)) \(units[unit])"
    }

    /// "135 MB/s"; "-" where no time has passed.
    static func rate(bytes: Int, milliseconds: Int) -> String {
        guard milliseconds > 0 else { return "-" }
        return size(Int(Double(bytes) * 1000 / Double(milliseconds))) + "/s"
    }

    /// Bytes with thousands apart: "4,194,304".
    static func count(_ number: Int) -> String {
        let digits = Array(String(number.magnitude))
        var text = ""
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.count - index).isMultiple(of: 3) { text += "," }
            text.append(digit)
        }
        return (number < 0 ? "-" : "") + text
    }

    /// The two largest units: "5 ms", "1.23 s", "3 min 4 s", "2 h 5 min", "12 d 3 h".
    static func duration(milliseconds: Int) -> String {
        let seconds = milliseconds / 1000
        switch milliseconds {
        case ..<1000: return "\(max(milliseconds, 0)) ms"
        case ..<60_000: return "\(digits(Double(milliseconds) / 1000)) s"
        case ..<3_600_000: return "\(seconds / 60) min \(seconds % 60) s"
        case ..<86_400_000: return "\(seconds / 3600) h \(seconds / 60 % 60) min"
        default: return "\(seconds / 86_400) d \(seconds / 3600 % 24) h"
        }
    }

    /// The largest unit of what has passed since `instant`: "now", "40 s", "3 min", "2 h", "12 d",
    /// "3 y". Both in milliseconds since 1970; what lies ahead (clocks differ) is "now".
    static func age(of instant: Int, at now: Int) -> String {
        let seconds = (now - instant) / 1000
        switch seconds {
        case ..<1: return "now"
        case ..<60: return "\(seconds) s"
        case ..<3600: return "\(seconds / 60) min"
        case ..<86_400: return "\(seconds / 3600) h"
        case ..<31_536_000: return "\(seconds / 86_400) d"
        default: return "\(seconds / 31_536_000) y"
        }
    }

    /// "350 us", "1.20 ms".
    static func roundTrip(microseconds: Int) -> String {
        if microseconds < 1000 { return "\(microseconds) us" }
        if microseconds < 1_000_000 { return "\(digits(Double(microseconds) / 1000)) ms" }
        return "\(digits(Double(microseconds) / 1_000_000)) s"
    }

    /// "1 file", "12 files".
    static func plural(_ number: Int, _ noun: String) -> String {
        "\(count(number)) \(noun)\(number == 1 ? "" : "s")"
    }

    /// Three significant digits of a number below 1000, without String(format:), which is
    /// Foundation's.
    private static func digits(_ value: Double) -> String {
        let decimals = value < 9.995 ? 2 : (value < 99.95 ? 1 : 0)
        let scale = [1, 10, 100][decimals]
        let scaled = Int((value * Double(scale)).rounded())
        guard decimals > 0 else { return "\(scaled)" }
        let fraction = String(scaled % scale)
        let zeros = String(repeating: "0", count: decimals - fraction.count)
        return "\(scaled / scale).\(zeros)\(fraction)"
    }
}
