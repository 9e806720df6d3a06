import CoreMetrics
import Synchronization

/// One series: updated by anyone without a lock, read at a scrape.
protocol Series: AnyObject, Sendable {
    var family: String { get }
    var labels: LabelSet { get }
    var value: MetricFamily.Value { get }
}

extension Atomic<Double> {
    /// There is no atomic addition of floating-point numbers: compare and exchange, until nobody
    /// was in between.
    borrowing func add(_ amount: Double) {
        var current = load(ordering: .relaxed)
        while true {
            let (exchanged, original) = weakCompareExchange(
                expected: current, desired: current + amount, ordering: .relaxed)
            if exchanged { return }
            current = original
        }
    }
}

/// A counter: it rises, or begins again at 0.
final class CounterSeries: Series, CounterHandler, FloatingPointCounterHandler {
    let family: String
    let labels: LabelSet
    /// Apart, so that whole increments are one instruction and stay exact.
    private let whole = Atomic<Int64>(0)
    private let fractions = Atomic<Double>(0)

    init(family: String, labels: LabelSet) {
        self.family = family
        self.labels = labels
    }

    var value: MetricFamily.Value {
        .number(Double(whole.load(ordering: .relaxed)) + fractions.load(ordering: .relaxed))
    }

    /// A negative amount is ignored: a counter that falls reads as a restart.
    func increment(by amount: Int64) {
        guard amount > 0 else { return }
        whole.wrappingAdd(amount, ordering: .relaxed)
    }

    func increment(by amount: Double) {
        guard amount > 0, amount.isFinite else { return }
        fractions.add(amount)
    }

    func reset() {
        whole.store(0, ordering: .relaxed)
        fractions.store(0, ordering: .relaxed)
    }
}

/// A gauge: the last value set.
final class GaugeSeries: Series, MeterHandler, RecorderHandler {
    let family: String
    let labels: LabelSet
    private let current = Atomic<Double>(0)

    init(family: String, labels: LabelSet) {
        self.family = family
        self.labels = labels
    }

    var value: MetricFamily.Value { .number(current.load(ordering: .relaxed)) }

    func set(_ value: Int64) { set(Double(value)) }
    func set(_ value: Double) { current.store(value, ordering: .relaxed) }
    func increment(by amount: Double) { current.add(amount) }
    func decrement(by amount: Double) { current.add(-amount) }
    func record(_ value: Int64) { set(Double(value)) }
    func record(_ value: Double) { set(value) }
}

/// A histogram: how many values were at most each of its bounds, and their sum.
final class HistogramSeries: Series, RecorderHandler, TimerHandler {
    /// An atomic cannot stand in an array, an object that holds one can.
    private final class Cell: Sendable {
        let count = Atomic<UInt64>(0)
    }

    let family: String
    let labels: LabelSet
    private let bounds: [Double]
    private let cells: [Cell]
    private let sum = Atomic<Double>(0)

    /// - Parameter bounds: Rising; +Inf is understood.
    init(family: String, labels: LabelSet, bounds: [Double]) {
        self.family = family
        self.labels = labels
        self.bounds = bounds
        cells = (0...bounds.count).map { _ in Cell() }
    }

    /// A scrape between the two updates of a value sees its count without its sum, or the other
    /// way round; the next one sees both. The total is the buckets' sum, so it never contradicts.
    var value: MetricFamily.Value {
        .histogram(
            bounds: bounds, counts: cells.map { $0.count.load(ordering: .relaxed) },
            sum: sum.load(ordering: .relaxed))
    }

    func record(_ value: Int64) { record(Double(value)) }

    func record(_ value: Double) {
        // NaN would poison the sum for ever.
        guard !value.isNaN else { return }
        let index = bounds.firstIndex { value <= $0 } ?? bounds.count
        cells[index].count.wrappingAdd(1, ordering: .relaxed)
        sum.add(value)
    }

    /// In seconds, Prometheus' base unit.
    func recordNanoseconds(_ duration: Int64) { record(Double(duration) / 1e9) }
}
