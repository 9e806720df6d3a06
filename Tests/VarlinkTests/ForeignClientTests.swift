import FoundationEssentials
import Glibc
import Testing

@testable import Varlink

/// Needs a Python with the `varlink` package: `VARLINK_TEST_PYTHON` names it, as `make test` does.
@Suite("A client that others wrote", .timeLimit(.minutes(1)))
struct ForeignClientTests {
    private static let interpreter = ProcessInfo.processInfo.environment["VARLINK_TEST_PYTHON"]

    @Test(
        "The Python client introspects, calls, streams, fails and sends one way",
        .enabled(if: interpreter != nil))
    func python() async throws {
        let script =
            String(#filePath.dropLast("ForeignClientTests.swift".count)) + "foreign_client.py"
        let interpreter = try #require(Self.interpreter)
        try await Fixture.run { fixture in
            let path = fixture.path
            let status = try await blocking { try run([interpreter, script, path]) }
            #expect(status == 0)
            #expect(fixture.sample.diary.lines == ["one way"])
        }
    }
}

/// Runs a program to its end.
///
/// - Returns: What waitpid(2) says of it: 0 for success.
private func run(_ arguments: [String]) throws -> Int32 {
    var process = pid_t()
    let words = arguments.map { strdup($0) } + [nil]
    defer {
        for word in words { free(word) }
    }
    let code = posix_spawn(&process, arguments[0], nil, nil, words, environ)
    guard code == 0 else { throw SystemError("posix_spawn", code: code) }
    var status: Int32 = 0
    while waitpid(process, &status, 0) < 0 {
        guard errno == EINTR else { throw SystemError("waitpid") }
    }
    return status
}
