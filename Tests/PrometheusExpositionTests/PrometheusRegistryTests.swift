import CoreMetrics
import Glibc
import Testing

@testable import PrometheusExposition

@Suite("Metrics as Prometheus scrapes them")
struct PrometheusRegistryTests {
    private let registry = PrometheusRegistry()

    /// The exposition without the registry's own two counters.
    private func text(_ format: ExpositionFormat = .prometheus) async -> String {
        String(decoding: await registry.render(format), as: UTF8.self)
            .split(separator: "\n").filter { !$0.contains("metrics_") }.joined(separator: "\n")
    }

    @Test("Counters end in _total and add whole and fractional amounts")
    func counters() async {
        registry.describe("http_requests_total", "Requests \\ taken\nand answered.")
        Counter(label: "http.requests", dimensions: [("method", "GET")], factory: registry)
            .increment(by: 3)
        FloatingPointCounter(
            label: "http_requests_total", dimensions: [("method", "GET")], factory: registry
        ).increment(by: 0.5)
        Counter(label: "http.requests", dimensions: [("method", "A\"\\\n")], factory: registry)
            .increment()
        #expect(
            await text() == #"""
                # HELP http_requests_total Requests \\ taken\nand answered.
                # TYPE http_requests_total counter
                http_requests_total{method="A\"\\\n"} 1
                http_requests_total{method="GET"} 3.5
                """#)
    }

    @Test("A counter ignores what would make it fall, and can begin again")
    func counterNeverFalls() {
        let series = CounterSeries(family: "x", labels: LabelSet([]))
        series.increment(by: Int64(5))
        series.increment(by: Int64(-3))
        series.increment(by: -1.0)
        series.increment(by: Double.nan)
        series.increment(by: Double.infinity)
        #expect(series.value == .number(5))
        series.reset()
        #expect(series.value == .number(0))
    }

    @Test("Gauges and meters stand at what was last set")
    func gauges() async {
        Gauge(label: "temperature_celsius", factory: registry).record(-2.5)
        let meter = Meter(label: "queue_length", factory: registry)
        meter.set(10)
        meter.increment(by: 2)
        meter.decrement(by: 5)
        #expect(
            await text() == """
                # HELP queue_length The gauge queue_length.
                # TYPE queue_length gauge
                queue_length 7
                # HELP temperature_celsius The gauge temperature_celsius.
                # TYPE temperature_celsius gauge
                temperature_celsius -2.5
                """)
    }

    @Test("Timers are cumulative histograms in seconds; a bound belongs to its bucket")
    func timers() async {
        registry.describe("search_seconds", "Time.", buckets: [0.5, 1])
        let timer = Timer(label: "search", dimensions: [("a", "b")], factory: registry)
        timer.recordMilliseconds(500)
        timer.recordMilliseconds(750)
        timer.recordSeconds(3)
        #expect(
            await text() == """
                # HELP search_seconds Time.
                # TYPE search_seconds histogram
                search_seconds_bucket{a="b",le="0.5"} 1
                search_seconds_bucket{a="b",le="1"} 2
                search_seconds_bucket{a="b",le="+Inf"} 3
                search_seconds_sum{a="b"} 4.25
                search_seconds_count{a="b"} 3
                """)
    }

    @Test("OpenMetrics names counters without _total, has canonical bounds and an end")
    func openMetrics() async {
        registry.describe("size_bytes", "A \"size\".", buckets: [1])
        Counter(label: "sent_bytes", factory: registry).increment()
        Recorder(label: "size_bytes", factory: registry).record(1)
        Recorder(label: "size_bytes", factory: registry).record(Double.nan)
        #expect(
            await text(.openMetrics) == #"""
                # HELP sent_bytes The counter sent_bytes_total.
                # TYPE sent_bytes counter
                sent_bytes_total 1
                # HELP size_bytes A \"size\".
                # TYPE size_bytes histogram
                size_bytes_bucket{le="1.0"} 1
                size_bytes_bucket{le="+Inf"} 1
                size_bytes_sum 1
                size_bytes_count 1
                # EOF
                """#)
    }

    @Test("Label sets beyond the bound count together, and are counted")
    func bounded() async {
        for index in 0..<(PrometheusRegistry.seriesMax + 50) {
            Counter(label: "c", dimensions: [("i", "\(index)")], factory: registry).increment()
        }
        let text = String(decoding: await registry.render(.prometheus), as: UTF8.self)
        #expect(text.contains("c_total{overflow=\"true\"} 50\n"))
        #expect(text.contains("metrics_dropped_label_sets_total 50\n"))
        #expect(
            text.split(separator: "\n").filter { $0.hasPrefix("c_total") }.count
                == PrometheusRegistry.seriesMax + 1)
    }

    @Test("Metrics beyond the bound, and names of another kind, are not exported")
    func rejected() async {
        Counter(label: "x_total", factory: registry).increment()
        Gauge(label: "x_total", factory: registry).record(9)
        registry.addCollector { [MetricFamily("x_total", .counter, help: "h", value: 7)] }
        for index in 0..<PrometheusRegistry.familiesMax {
            Counter(label: "n\(index)", factory: registry).increment()
        }
        let text = String(decoding: await registry.render(.prometheus), as: UTF8.self)
        #expect(text.contains("\nx_total 1\n"))
        #expect(!text.contains("x_total 9") && !text.contains("x_total 7"))
        #expect(text.contains("metrics_rejected_total 3\n"))
    }

    @Test("A destroyed series is gone; others of its metric stay")
    func destroyed() async {
        let one = Counter(label: "c", dimensions: [("i", "1")], factory: registry)
        Counter(label: "c", dimensions: [("i", "2")], factory: registry).increment()
        one.destroy()
        let text = await text()
        #expect(!text.contains("i=\"1\"") && text.contains("i=\"2\""))
    }

    @Test("Collectors are asked at each scrape, within the bound of label sets")
    func collectors() async {
        registry.addCollector {
            [
                MetricFamily(
                    "peers", .gauge, help: "Peers by state.",
                    samples: [([("state", "dead")], 1), ([("state", "alive")], 2)]),
                MetricFamily(
                    "many", .gauge, help: "m",
                    samples: (0..<500).map { ([("i", "\($0)")], 1) }),
            ]
        }
        let lines = await text().split(separator: "\n")
        #expect(
            lines.suffix(4) == [
                "# HELP peers Peers by state.", "# TYPE peers gauge", "peers{state=\"alive\"} 2",
                "peers{state=\"dead\"} 1",
            ])
        #expect(lines.filter { $0.hasPrefix("many{") }.count == PrometheusRegistry.seriesMax)
    }

    @Test(
        "Names become what Prometheus takes",
        arguments: [
            ("a.b-c/d", "a_b_c_d"), ("9a", "_9a"), ("", "_"), ("ñ", "__"), ("a:b", "a_b"),
            ("ok_1", "ok_1"),
        ])
    func names(name: String, expected: String) {
        #expect(MetricName.sanitized(name) == expected)
    }

    @Test("Labels are sorted, unique, bounded, and keep off reserved names")
    func labels() {
        #expect(LabelSet([("b", "2"), ("a", "1"), ("b", "3")]).text == #"a="1",b="3""#)
        #expect(LabelSet([("le", "1")]).text == #"exported_le="1""#)
        #expect(LabelSet([("__name__", "x")]).text == #"exported___name__="x""#)
        #expect(LabelSet([("k", String(repeating: "é", count: 999))]).text.utf8.count == 4 + 256)
    }

    @Test(
        "Numbers are written as Prometheus reads them",
        arguments: [
            (0.0, "0"), (-1.0, "-1"), (0.1, "0.1"), (.nan, "NaN"), (.infinity, "+Inf"),
            (-.infinity, "-Inf"), (1e15, "1000000000000000"), (1e300, "1e+300"),
        ])
    func numbers(number: Double, expected: String) {
        #expect(ExpositionWriter.text(number) == expected)
    }

    @Test(
        "The Accept header chooses the format",
        arguments: [
            (nil, ExpositionFormat.prometheus), ("", .prometheus), ("*/*", .prometheus),
            ("text/plain", .prometheus), ("application/openmetrics-text", .openMetrics),
            (
                "application/openmetrics-text;version=1.0.0;q=0.5,"
                    + "application/openmetrics-text;version=0.0.1;q=0.4,"
                    + "text/plain;version=0.0.4;q=0.3,*/*;q=0.1", .openMetrics
            ),
            ("text/plain, application/openmetrics-text; q=0.5", .prometheus),
            ("application/openmetrics-text; version=2.0.0", .prometheus),
            ("application/openmetrics-text; q=0", .prometheus),
        ] as [(String?, ExpositionFormat)])
    func accept(header: String?, expected: ExpositionFormat) {
        #expect(ExpositionFormat(accept: header) == expected)
    }

    @Test("Nothing is lost when many tasks count at once")
    func concurrency() async {
        let counter = CounterSeries(family: "c", labels: LabelSet([]))
        let histogram = HistogramSeries(family: "h", labels: LabelSet([]), bounds: [1])
        await withTaskGroup { group in
            for _ in 0..<8 {
                group.addTask {
                    for _ in 0..<1000 {
                        counter.increment(by: Int64(1))
                        counter.increment(by: 0.5)
                        histogram.record(2.0)
                    }
                }
            }
        }
        #expect(counter.value == .number(12000))
        #expect(histogram.value == .histogram(bounds: [1], counts: [0, 8000], sum: 16000))
    }

    @Test("The figures of the process are those of proc(5)")
    func processFigures() throws {
        // A program may be called anything.
        let line =
            "7 (a) b (c) S 1 1 1 0 -1 0 0 0 0 0 150 50 0 0 20 0 9 0 12345 1048576 100 0 0\n"
        let statistics = try #require(ProcessFigures.Statistics(line: line))
        #expect(statistics.cpuTicks == 200)
        #expect(statistics.threads == 9)
        #expect(statistics.startTicks == 12345)
        #expect(statistics.virtualBytes == 1_048_576)
        #expect(statistics.residentPages == 100)
        #expect(ProcessFigures.Statistics(line: "7 (a) S") == nil)
        #expect(ProcessFigures.bootTime(in: "cpu 1\nbtime 99\nx") == 99)
        #expect(
            ProcessFigures.collect().map(\.name).sorted() == [
                "process_cpu_seconds_total", "process_max_fds", "process_open_fds",
                "process_resident_memory_bytes", "process_start_time_seconds", "process_threads",
                "process_virtual_memory_bytes",
            ])
    }

    @Test(
        "promtool has nothing to say about the output",
        .enabled(if: access("/usr/bin/promtool", X_OK) == 0, "needs the package prometheus"))
    func promtool() async throws {
        registry.addCollector { ProcessFigures.collect() }
        registry.addCollector {
            [
                MetricFamily(
                    "peers", .gauge, help: "Peers by state.", samples: [([("state", "a")], 1)])
            ]
        }
        Counter(label: "http.requests", dimensions: [("m", "G\"\\\n\u{1}ñ")], factory: registry)
            .increment()
        Timer(label: "search", dimensions: [("via", "x")], factory: registry).recordSeconds(1)
        Recorder(label: "size_bytes", factory: registry).record(5)
        Gauge(label: "files", factory: registry).record(Double.nan)
        let path = "/tmp/p2p-exposition-\(getpid()).txt"
        let bytes = await registry.render(.prometheus)
        let file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        try #require(write(file, bytes, bytes.count) == bytes.count)
        close(file)
        defer { unlink(path) }

        let pipe = try #require(popen("/usr/bin/promtool check metrics < \(path) 2>&1", "r"))
        var output = [UInt8](repeating: 0, count: 4096)
        let count = fread(&output, 1, output.count, pipe)
        let status = pclose(pipe)
        #expect(String(decoding: output.prefix(count), as: UTF8.self) == "")
        #expect(status == 0)
    }
}
