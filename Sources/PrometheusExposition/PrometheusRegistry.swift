import CoreMetrics
import Locking
import Synchronization

/// A backend of swift-metrics that Prometheus can scrape.
///
/// Updates take no lock. Names: characters that Prometheus does not take become `_`; counters
/// end in `_total`, timers in `_seconds`. Recorders and timers are histograms, recorders that do
/// not aggregate (swift-metrics' `Gauge`) and meters are gauges.
///
/// Bounds: ``seriesMax`` label sets a metric, ``familiesMax`` metrics. What is beyond the first
/// counts together, labelled `overflow="true"`; what is beyond the second, or has the name of a
/// metric of another kind, is not exported. Both are counted:
/// `metrics_dropped_label_sets_total`, `metrics_rejected_total`.
package final class PrometheusRegistry: MetricsFactory {
    /// Most label sets of one metric. Raising it costs memory here and in Prometheus.
    package static let seriesMax = 200
    /// Most metrics (guess: ten times what a service has).
    package static let familiesMax = 1000

    /// Bounds of histograms that were given none, in seconds: half a millisecond, as for an
    /// answer on a local network, to ten seconds, as for one that was given up.
    package static let defaultBuckets = [
        0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
    ]

    /// Reads metrics at scrape time.
    package typealias Collector = @Sendable () async -> [MetricFamily]

    private struct Family {
        let kind: MetricFamily.Kind
        var series: [LabelSet: any Series] = [:]
    }

    private struct State {
        var families: [String: Family] = [:]
        var helps: [String: String] = [:]
        var buckets: [String: [Double]] = [:]
        var collectors: [Collector] = []
    }

    private let state = Locked(State())
    private let droppedLabelSets = Atomic<Int>(0)
    private let rejected = Atomic<Int>(0)

    package init() {}

    /// Says what a metric means, and how finely a histogram tells apart.
    ///
    /// - Parameters:
    ///   - name: As exported, with `_total` or `_seconds`.
    ///   - buckets: Upper bounds, rising, without +Inf. Counts for series made afterwards.
    package func describe(_ name: String, _ help: String, buckets: [Double]? = nil) {
        if let buckets {
            precondition(
                zip(buckets, buckets.dropFirst()).allSatisfy(<) && buckets.allSatisfy(\.isFinite),
                "bounds of \(name) do not rise: \(buckets)")
        }
        state.withLock { state in
            state.helps[name] = help
            state.buckets[name] = buckets
        }
    }

    /// Adds metrics that are read when somebody scrapes: peers by state, process figures. One
    /// with the name of a metric of the factory's, or of an earlier collector's, is rejected.
    package func addCollector(_ collector: @escaping Collector) {
        state.withLock { $0.collectors.append(collector) }
    }

    /// All metrics as text, sorted by name and labels.
    package func render(_ format: ExpositionFormat) async -> [UInt8] {
        let families = await collect()
        var writer = ExpositionWriter(format: format)
        for family in families { writer.write(family) }
        return writer.finish()
    }

    // MARK: MetricsFactory

    package func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        makeCounterSeries(label, dimensions)
    }

    package func makeFloatingPointCounter(
        label: String, dimensions: [(String, String)]
    ) -> any FloatingPointCounterHandler {
        makeCounterSeries(label, dimensions)
    }

    package func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        makeGaugeSeries(label, dimensions)
    }

    package func makeRecorder(
        label: String, dimensions: [(String, String)], aggregate: Bool
    ) -> any RecorderHandler {
        aggregate
            ? makeHistogramSeries(MetricName.exported(label), dimensions)
            : makeGaugeSeries(label, dimensions)
    }

    package func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        makeHistogramSeries(MetricName.exported(label, suffix: "_seconds"), dimensions)
    }

    package func destroyCounter(_ handler: any CounterHandler) { remove(handler) }
    package func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) {
        remove(handler)
    }
    package func destroyMeter(_ handler: any MeterHandler) { remove(handler) }
    package func destroyRecorder(_ handler: any RecorderHandler) { remove(handler) }
    package func destroyTimer(_ handler: any TimerHandler) { remove(handler) }

    // MARK: Series

    private func makeCounterSeries(
        _ label: String, _ dimensions: [(String, String)]
    ) -> CounterSeries {
        series(MetricName.exported(label, suffix: "_total"), .counter, dimensions) {
            CounterSeries(family: $0, labels: $1)
        }
    }

    private func makeGaugeSeries(
        _ label: String, _ dimensions: [(String, String)]
    ) -> GaugeSeries {
        series(MetricName.exported(label), .gauge, dimensions) {
            GaugeSeries(family: $0, labels: $1)
        }
    }

    private func makeHistogramSeries(
        _ name: String, _ dimensions: [(String, String)]
    ) -> HistogramSeries {
        let bounds = state.withLock { $0.buckets[name] } ?? Self.defaultBuckets
        return series(name, .histogram, dimensions) {
            HistogramSeries(family: $0, labels: $1, bounds: bounds)
        }
    }

    /// The series of these labels, made where it is new.
    private func series<S: Series>(
        _ name: String, _ kind: MetricFamily.Kind, _ dimensions: [(String, String)],
        make: (String, LabelSet) -> S
    ) -> S {
        let labels = LabelSet(dimensions)
        return state.withLock { state in
            if state.families[name] == nil, state.families.count < Self.familiesMax {
                state.families[name] = Family(kind: kind)
            }
            guard let family = state.families[name], family.kind == kind else {
                rejected.wrappingAdd(1, ordering: .relaxed)
                return make(name, labels)
            }
            if let known = family.series[labels] as? S { return known }
            if family.series.count < Self.seriesMax {
                return Self.insert(make(name, labels), into: &state)
            }
            droppedLabelSets.wrappingAdd(1, ordering: .relaxed)
            if let overflow = family.series[.overflow] as? S { return overflow }
            return Self.insert(make(name, .overflow), into: &state)
        }
    }

    private static func insert<S: Series>(_ series: S, into state: inout State) -> S {
        state.families[series.family]?.series[series.labels] = series
        return series
    }

    private func remove(_ handler: AnyObject) {
        guard let series = handler as? any Series else { return }
        state.withLock { state in
            // A rejected series has its labels, but not its place.
            guard let known = state.families[series.family]?.series[series.labels],
                known === series, series.labels != .overflow
            else { return }
            state.families[series.family]?.series[series.labels] = nil
        }
    }

    // MARK: Scraping

    /// Every metric, sorted by name, its series by labels.
    private func collect() async -> [MetricFamily] {
        let collectors = state.withLock { $0.collectors }
        var families = ownFamilies()
        for collector in collectors {
            for var family in await collector() {
                guard families[family.name] == nil else {
                    rejected.wrappingAdd(1, ordering: .relaxed)
                    continue
                }
                let surplus = family.points.count - Self.seriesMax
                if surplus > 0 {
                    droppedLabelSets.wrappingAdd(surplus, ordering: .relaxed)
                    family.points.removeLast(surplus)
                }
                families[family.name] = family
            }
        }
        for family in selfReport() { families[family.name] = family }
        return families.values.sorted { $0.name < $1.name }.map { family in
            var family = family
            family.points.sort { $0.labels < $1.labels }
            return family
        }
    }

    private func ownFamilies() -> [String: MetricFamily] {
        state.withLock { state in
            var families: [String: MetricFamily] = [:]
            for (name, family) in state.families where !family.series.isEmpty {
                families[name] = MetricFamily(
                    name: name, kind: family.kind,
                    // promtool wants one for every metric.
                    help: state.helps[name] ?? "The \(family.kind.rawValue) \(name).",
                    points: family.series.map { .init(labels: $0, value: $1.value) })
            }
            return families
        }
    }

    private func selfReport() -> [MetricFamily] {
        [
            MetricFamily(
                "metrics_dropped_label_sets_total", .counter,
                help: "Label sets that were beyond their metric's bound, each time one was made.",
                value: Double(droppedLabelSets.load(ordering: .relaxed))),
            MetricFamily(
                "metrics_rejected_total", .counter,
                help: "Metrics that were not exported: too many, or a name taken by another kind.",
                value: Double(rejected.load(ordering: .relaxed))),
        ]
    }
}
