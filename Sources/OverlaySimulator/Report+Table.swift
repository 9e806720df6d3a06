/// A report for people.
extension Report {
    package var table: String {
        var rows = ["\(scenario): \(peers) peers, seed \(seed), trace \(trace)"]
        if !searches.isEmpty {
            rows += [
                "",
                Self.row([
                    "search", "holders", "messages", "flood", "%", "recall", "pruned", "first ms",
                    "ms", "again", "limit \(SearchComparison.limit)",
                ]),
            ]
        }
        for search in searches {
            rows.append(
                Self.row([
                    search.name, "\(search.holders)", "\(search.search.messages)",
                    "\(search.flood.messages)", Self.percent(search), "\(search.recall)",
                    "\(search.search.pruned)",
                    Self.milliseconds(search.search.firstHitMilliseconds),
                    Self.milliseconds(search.search.completeMilliseconds),
                    "\(search.again.messages)", "\(search.limited.messages)",
                ]))
        }
        if let fleet { rows += [""] + Self.rows(fleet) }
        return (rows + violations.map { "violated: \($0)" }).joined(separator: "\n")
    }

    private static func percent(_ search: SearchComparison) -> String {
        let share = Double(search.search.messages) / Double(max(1, search.flood.messages))
        return "\((share * 1000).rounded() / 10)"
    }

    static func row(_ cells: [String]) -> String {
        cells.map { $0 + String(repeating: " ", count: max(1, 12 - $0.count)) }.joined()
    }

    private static func rows(_ fleet: FleetOutcome) -> [String] {
        func quantiles(_ values: [Double]) -> String {
            let shares = [0.5, 0.99].map { FleetOutcome.quantile(values, $0) }
            return shares.map(seconds).joined(separator: " / ") + " (of \(values.count))"
        }
        return [
            "crash known to all, p50 / p99      \(quantiles(fleet.crashKnownSeconds))",
            "start known to 99.9 %, p50 / p99   \(quantiles(fleet.joinKnownSeconds))",
            "whole after the last fault         \(seconds(fleet.convergedSeconds))",
            "live peers declared dead           \(fleet.falseDeaths)",
            "suspicions begun                   \(fleet.suspicions)",
            "bytes a second and peer, mean      \(Int(fleet.bytesPerSecond.rounded()))",
            "bytes a second, of the most        \(Int(fleet.bytesPerSecondMax.rounded()))",
            "bytes a second for summaries       \(Int(fleet.summaryBytesPerSecond.rounded()))",
            "messages                           \(fleet.messages)",
        ] + (fleet.graph.map(rows) ?? [])
    }

    private static func rows(_ graph: GraphOutcome) -> [String] {
        func short(_ value: Double) -> String { "\((value * 1000).rounded() / 1000)" }
        return [
            "neighbours, of the most            \(graph.degreeMax)",
            "connected, least ever / at the end \(short(graph.connectedMin)) / \(short(graph.connectedAtEnd))",
            "hops, mean / most                  \(short(graph.hopsMean)) / \(graph.hopsMax)",
        ]
    }

    static func seconds(_ value: Double?) -> String {
        value.map { "\((($0 * 10).rounded()) / 10) s" } ?? "-"
    }

    static func milliseconds(_ value: Double?) -> String {
        value.map { "\(Int($0.rounded()))" } ?? "-"
    }
}
