/// Columns that line up, two spaces apart, under a heading.
struct Table {
    struct Column {
        var title: String
        var isRight = false
    }

    struct Cell: ExpressibleByStringLiteral {
        var text: String
        var color: Color?

        /// - Parameter text: Escaped here; may come from anywhere.
        init(_ text: String, color: Color? = nil) {
            self.text = TerminalText.escaped(text)
            self.color = color
        }

        init(stringLiteral text: String) {
            self.init(text)
        }
    }

    let columns: [Column]
    private var rows: [[Cell]] = []

    init(_ columns: [Column]) {
        self.columns = columns
    }

    /// Appends a row with a cell for each column.
    mutating func append(_ row: [Cell]) {
        precondition(row.count == columns.count, "\(row.count) cells, \(columns.count) columns")
        rows.append(row)
    }

    /// The lines, each with its newline; no line ends in spaces.
    func rendered(style: Style) -> String {
        let heading = columns.map { Cell($0.title, color: .bold) }
        let lines = [heading] + rows
        let widths = columns.indices.map { column in
            lines.map { TerminalText.width($0[column].text) }.max() ?? 0
        }
        return lines.map { line(of: $0, widths: widths, style: style) + "\n" }.joined()
    }

    private func line(of cells: [Cell], widths: [Int], style: Style) -> String {
        var line = ""
        for (index, cell) in cells.enumerated() {
            let padding = String(
                repeating: " ", count: widths[index] - TerminalText.width(cell.text))
            let text = style.colored(cell.text, cell.color)
            let isLast = index == cells.count - 1
            if index > 0 { line += "  " }
            line += columns[index].isRight ? padding + text : text + (isLast ? "" : padding)
        }
        return line
    }
}

enum Color: String {
    case bold = "1"
    case red = "31"
    case green = "32"
    case yellow = "33"
}

/// Whether output may be coloured: on a terminal, unless NO_COLOR (no-color.org) or TERM=dumb.
struct Style: Equatable {
    var isColored: Bool

    func colored(_ text: String, _ color: Color?) -> String {
        guard isColored, let color else { return text }
        return "\u{1b}[\(color.rawValue)m\(text)\u{1b}[0m"
    }
}
