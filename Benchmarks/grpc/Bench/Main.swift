import ArgumentParser

@main
struct GRPCBench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "grpc-bench",
        abstract:
            "Serves and calls over our gRPC transport or the stock one. Prints one JSON object.",
        subcommands: [Serve.self, Download.self, Unary.self])
}
