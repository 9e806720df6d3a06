import ArgumentParser

/// Small unary calls, one after the other on each connection.
struct Unary: AsyncParsableCommand {
    @Argument var transport: TransportName
    @Option var port: Int
    @Option var connections = 64
    @Option(help: "Calls on each connection.") var calls = 2000
    @Option(help: "Calls on each connection before those that count.") var warmUp = 50

    func run() async throws {
        let (calls, warmUp) = (calls, warmUp)
        let runs = try await withClients(transport, port: port, count: connections) { client in
            for _ in 0..<warmUp { try await client.stat() }
            var times: [Duration] = []
            times.reserveCapacity(calls)
            let begin = ContinuousClock.now
            var last = begin
            for _ in 0..<calls {
                try await client.stat()
                let now = ContinuousClock.now
                times.append(now - last)
                last = now
            }
            return (begin: begin, end: last, times: times)
        }
        guard let begin = runs.map(\.begin).min(), let end = runs.map(\.end).max() else { return }
        let times = runs.flatMap(\.times).sorted()
        let microseconds = { (share: Double) in
            times[min(times.count - 1, Int(Double(times.count) * share))] / .microseconds(1)
        }
        print(
            #"{"calls": \#(times.count), "seconds": \#((end - begin) / .seconds(1)), "#
                + #""p50_us": \#(microseconds(0.5)), "p99_us": \#(microseconds(0.99))}"#)
    }
}
