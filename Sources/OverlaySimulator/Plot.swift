import FoundationEssentials
import Glibc

/// Curves in a picture (SVG 1.1), and the same as a table.
package struct Plot: Sendable {
    package struct Series: Sendable {
        var name: String
        var points: [(x: Double, y: Double)]
    }

    var title: String
    var xLabel: String
    var yLabel: String
    /// Each tenfold is as wide as the next.
    var series: [Series]
    /// The upper end of the y axis; the lower is 0.
    var yMax: Double

    private static let (width, height) = (760.0, 460.0)
    private static let (left, right, top, bottom) = (70.0, 190.0, 40.0, 60.0)
    private static let colours = ["#1b6ca8", "#c8553d", "#3b7a57", "#8a5a9e", "#b8860b", "#444444"]

    package var svg: String {
        let size = "width=\"\(Int(Self.width))\" height=\"\(Int(Self.height))\""
        let box = "viewBox=\"0 0 \(Int(Self.width)) \(Int(Self.height))\""
        var lines = [
            "<svg xmlns=\"http://www.w3.org/2000/svg\" \(size) \(box) font-family=\"sans-serif\" font-size=\"12\">",
            "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>",
            Self.text(Self.left, 22, title, "font-size=\"15\""),
            Self.text(Self.left, Self.height - 16, xLabel),
            Self.text(8, Self.top - 8, yLabel),
        ]
        lines += grid
        for (index, one) in series.enumerated() { lines += curve(one, index) }
        return (lines + ["</svg>", ""]).joined(separator: "\n")
    }

    /// One row for each point.
    package var table: String {
        let rows = series.flatMap { one in
            one.points.map { "\(Report.row([Self.short($0.x), Self.short($0.y)]))\(one.name)" }
        }
        return ([title, "\(xLabel) / \(yLabel)"] + rows).joined(separator: "\n")
    }

    /// The powers of ten that the points are between.
    private var decades: (low: Double, high: Double) {
        let all = series.flatMap(\.points).map { log10(max($0.x, 1)) }
        let low = (all.min() ?? 0).rounded(.down)
        return (low, max(low + 1, (all.max() ?? 1).rounded(.up)))
    }

    private func place(_ x: Double, _ y: Double) -> (Double, Double) {
        let (low, high) = decades
        let across = (log10(max(x, 1)) - low) / (high - low)
        let up = min(max(y / yMax, 0), 1)
        return (
            Self.left + across * (Self.width - Self.left - Self.right),
            Self.height - Self.bottom - up * (Self.height - Self.top - Self.bottom)
        )
    }

    private var grid: [String] {
        let (low, high) = decades
        var lines: [String] = []
        for decade in stride(from: low, through: high, by: 1) {
            let (x, y) = place(pow(10, decade), 0)
            lines.append(Self.line((x, y), place(pow(10, decade), yMax), "#dddddd"))
            lines.append(Self.text(x - 12, y + 18, Self.short(pow(10, decade))))
        }
        for step in 0...5 {
            let value = yMax * Double(step) / 5
            let (x, y) = place(pow(10, low), value)
            lines.append(Self.line((x, y), place(pow(10, high), value), "#dddddd"))
            lines.append(Self.text(x - 40, y + 4, Self.short(value)))
        }
        return lines
    }

    private func curve(_ one: Series, _ index: Int) -> [String] {
        let colour = Self.colours[index % Self.colours.count]
        let places = one.points.sorted { $0.x < $1.x }.map { place($0.x, $0.y) }
        let path = places.map { "\(Self.short($0.0)),\(Self.short($0.1))" }
        var lines = [
            "<polyline points=\"\(path.joined(separator: " "))\" fill=\"none\" stroke=\"\(colour)\" stroke-width=\"2\"/>"
        ]
        lines += places.map {
            "<circle cx=\"\(Self.short($0.0))\" cy=\"\(Self.short($0.1))\" r=\"3\" fill=\"\(colour)\"/>"
        }
        let y = Self.top + 10 + 20 * Double(index)
        let x = Self.width - Self.right + 14
        lines.append(Self.line((x, y), (x + 16, y), colour))
        lines.append(Self.text(x + 22, y + 4, one.name))
        return lines
    }

    private static func line(
        _ start: (Double, Double), _ end: (Double, Double), _ colour: String
    ) -> String {
        "<line x1=\"\(short(start.0))\" y1=\"\(short(start.1))\" x2=\"\(short(end.0))\" y2=\"\(short(end.1))\" stroke=\"\(colour)\"/>"
    }

    private static func text(
        _ x: Double, _ y: Double, _ text: String, _ attributes: String = ""
    ) -> String {
        let escaped = text.map { $0 == "<" ? "&lt;" : $0 == "&" ? "&amp;" : String($0) }
        return "<text x=\"\(short(x))\" y=\"\(short(y))\" \(attributes)>\(escaped.joined())</text>"
    }

    /// Two decimals at most, and none where they are zeros.
    private static func short(_ value: Double) -> String {
        let rounded = (value * 100).rounded() / 100
        return rounded == rounded.rounded() ? "\(Int(rounded))" : "\(rounded)"
    }
}
