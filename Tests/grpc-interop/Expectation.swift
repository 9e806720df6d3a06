import GRPCCore

/// A case whose outcome was another one than the description asks for.
struct Unexpected: Error, CustomStringConvertible {
    let description: String
}

func expect(_ isRight: Bool, _ what: @autoclosure () -> String) throws {
    guard isRight else { throw Unexpected(description: what()) }
}

func expectEqual<Value: Equatable>(_ value: Value, _ wanted: Value, _ what: String) throws {
    try expect(value == wanted, "\(what): \(value), expected \(wanted)")
}

/// Expects that `body` fails with a status of this code, and of this text where one is given.
func expectStatus(
    _ code: RPCError.Code, _ message: String? = nil, _ body: () async throws -> Void
) async throws {
    do {
        try await body()
    } catch let error as RPCError {
        try expectEqual(error.code, code, "status of '\(error.message)'")
        if let message { try expectEqual(error.message, message, "status message") }
        return
    }
    throw Unexpected(description: "the call succeeded, expected \(code)")
}
