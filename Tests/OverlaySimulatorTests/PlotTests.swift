import Testing

@testable import OverlaySimulator

@Suite struct PlotTests {
    static let plot = Plot(
        title: "less < more & more", xLabel: "peers", yLabel: "seconds",
        series: [
            Plot.Series(name: "one", points: [(x: 100, y: 2), (x: 10, y: 1)]),
            Plot.Series(name: "none", points: []),
        ], yMax: 4)

    static func count(_ part: String, in text: String) -> Int {
        text.indices.count { text[$0...].hasPrefix(part) }
    }

    @Test("Each point has its place, from left to right; text is escaped")
    func svg() {
        let svg = Self.plot.svg
        #expect(Self.count("<circle", in: svg) == 2)
        // Between 10 and 100, and between 0 and 4: a quarter up on the left, half way up on the right.
        #expect(svg.contains("points=\"70,310 570,220\""))
        #expect(svg.contains("less &lt; more &amp; more"))
        #expect(svg.hasSuffix("</svg>\n"))
    }

    @Test("The table has a row for each point")
    func table() {
        let rows = Self.plot.table.split(separator: "\n").dropFirst(2)
        #expect(rows.count == 2 && rows.allSatisfy { $0.hasSuffix("one") })
    }

    @Test("Curves of recall rise with the messages, and the search's are above the flood's")
    func recall() throws {
        var scenario = try Scenario.load("search-1k")
        scenario.peers = 60
        let plot = Curves.recall(scenario, seed: 1)
        #expect(plot.series.count == 4)
        for series in plot.series {
            #expect(series.points.map(\.y).max() == 1, "\(series.name)")
        }
        let most = plot.series.map { $0.points.map(\.x).max() ?? 0 }
        #expect(most[0] < most[1] && most[2] < most[3])
    }
}
