/// One metric with its series, as a scrape sees it.
package struct MetricFamily: Equatable, Sendable {
    package enum Kind: String, Sendable {
        case counter
        case gauge
        case histogram
    }

    /// One series: its labels and what it stands at.
    struct Point: Equatable, Sendable {
        let labels: LabelSet
        let value: Value
    }

    enum Value: Equatable, Sendable {
        case number(Double)
        /// `counts` has one entry more than `bounds`, not cumulated; the last is beyond all.
        case histogram(bounds: [Double], counts: [UInt64], sum: Double)
    }

    let name: String
    let kind: Kind
    let help: String
    var points: [Point]

    /// A metric that is read at scrape time.
    ///
    /// - Parameters:
    ///   - name: As exported, in base units; a counter's ends in `_total`.
    ///   - samples: Labels and value of every series. Keep their number bounded: no paths, no
    ///     addresses.
    package init(
        _ name: String, _ kind: Kind, help: String,
        samples: [(labels: [(String, String)], value: Double)]
    ) {
        self.init(
            name: MetricName.sanitized(name), kind: kind, help: help,
            points: samples.map { Point(labels: LabelSet($0.labels), value: .number($0.value)) })
    }

    /// A metric of one series without labels.
    package init(_ name: String, _ kind: Kind, help: String, value: Double) {
        self.init(name, kind, help: help, samples: [([], value)])
    }

    init(name: String, kind: Kind, help: String, points: [Point]) {
        self.name = name
        self.kind = kind
        self.help = help
        self.points = points
    }
}
