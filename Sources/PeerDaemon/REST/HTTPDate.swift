/// A point in time with the one-second resolution of HTTP's dates (RFC 9110 §5.6.7).
///
/// Calendar arithmetic: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms" (2013).
struct HTTPDate: Hashable, Comparable {
    /// Since 1970-01-01T00:00:00Z.
    let seconds: Int64

    private static let weekdays = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    init(seconds: Int64) {
        self.seconds = seconds
    }

    /// - Parameter nanoseconds: Since 1970; cut down to whole seconds.
    init(nanoseconds: Int64) {
        seconds = floorDivide(nanoseconds, 1_000_000_000).quotient
    }

    /// Reads the three forms that a recipient must understand: IMF-fixdate, that of RFC 850, and
    /// that of asctime(3).
    ///
    /// - Parameter now: Tells the century of RFC 850's years: none is more than 50 years ahead.
    init?(_ text: String, now: HTTPDate) {
        let parts = text.split { " ,-:".contains($0) }.map(String.init)
        let isAsctime = parts.count == 7
        guard isAsctime || (parts.count == 8 && parts[7] == "GMT"),
            let month = Self.months.firstIndex(of: parts[isAsctime ? 1 : 2])
        else { return nil }
        let order = isAsctime ? [6, 2, 3, 4, 5] : [3, 1, 4, 5, 6]
        let numbers = order.compactMap { Int64(parts[$0]) }
        guard numbers.count == order.count, (1...31).contains(numbers[1]),
            (0...23).contains(numbers[2]), (0...59).contains(numbers[3]),
            (0...60).contains(numbers[4]), (0...9999).contains(numbers[0])
        else { return nil }
        var year = numbers[0]
        if parts[order[0]].count == 2 {
            year += 2000
            if year > now.civil.year + 50 { year -= 100 }
        }
        let days = Self.days(year: year, month: Int64(month) + 1, day: numbers[1])
        seconds = days * 86400 + numbers[2] * 3600 + numbers[3] * 60 + numbers[4]
    }

    static func < (left: HTTPDate, right: HTTPDate) -> Bool {
        left.seconds < right.seconds
    }

    /// IMF-fixdate: `Sun, 06 Nov 1994 08:49:37 GMT`.
    var httpText: String {
        let (days, _) = floorDivide(seconds, 86400)
        let weekday = Self.weekdays[Int(floorDivide(days, 7).remainder)]
        let (year, month, day) = civil
        let date = "\(padded(day)) \(Self.months[Int(month) - 1]) \(padded(year, 4))"
        return "\(weekday), \(date) \(time) GMT"
    }

    /// `1994-11-06T08:49:37Z`.
    var rfc3339: String {
        let (year, month, day) = civil
        return "\(padded(year, 4))-\(padded(month))-\(padded(day))T\(time)Z"
    }

    private var time: String {
        let second = floorDivide(seconds, 86400).remainder
        return "\(padded(second / 3600)):\(padded(second / 60 % 60)):\(padded(second % 60))"
    }

    private var civil: (year: Int64, month: Int64, day: Int64) {
        let shifted = floorDivide(seconds, 86400).quotient + 719_468
        let (era, dayOfEra) = floorDivide(shifted, 146_097)
        let yearOfEra =
            (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let fromMarch = (5 * dayOfYear + 2) / 153
        let month = fromMarch < 10 ? fromMarch + 3 : fromMarch - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        return (year, month, dayOfYear - (153 * fromMarch + 2) / 5 + 1)
    }

    /// Since 1970-01-01.
    private static func days(year: Int64, month: Int64, day: Int64) -> Int64 {
        let (era, yearOfEra) = floorDivide(month <= 2 ? year - 1 : year, 400)
        let fromMarch = month > 2 ? month - 3 : month + 9
        let dayOfYear = (153 * fromMarch + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }
}

/// Rounds down, also below zero.
private func floorDivide(
    _ number: Int64, _ divisor: Int64
) -> (quotient: Int64, remainder: Int64) {
    let (quotient, remainder) = number.quotientAndRemainder(dividingBy: divisor)
    return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
}

private func padded(_ number: Int64, _ width: Int = 2) -> String {
    let digits = "\(number)"
    return String(repeating: "0", count: max(0, width - digits.count)) + digits
}
