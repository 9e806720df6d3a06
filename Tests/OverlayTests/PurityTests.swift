import FoundationEssentials
import Testing

/// The core decides by its arguments alone, else the simulator would show another program.
@Suite struct PurityTests {
    /// Swift files of `Sources/Overlay`, as name and text.
    static func sources() throws -> [(name: String, text: String)] {
        let root = URL(filePath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let folder = root.appending(path: "Sources/Overlay").resolvingSymlinksInPath().path
        return try FileManager.default.subpathsOfDirectory(atPath: folder)
            .filter { $0.hasSuffix(".swift") }
            .map { ($0, try String(contentsOfFile: "\(folder)/\($0)", encoding: .utf8)) }
    }

    @Test("The core imports nothing, and reads no clock and no randomness")
    func pure() throws {
        let forbidden = [
            ".now", ".random(", "shuffled()", "randomElement()", "Task",
            "SystemRandomNumberGenerator",
            "ContinuousClock", "SuspendingClock", "print(",
        ]
        let sources = try Self.sources()
        #expect(sources.count > 10)
        for (name, text) in sources {
            for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false)
                .enumerated()
            {
                let code = line.drop { $0 == " " }
                guard !code.hasPrefix("//") else { continue }
                #expect(!code.hasPrefix("import "), "\(name):\(index + 1): \(line)")
                #expect(!code.hasPrefix("@_"), "\(name):\(index + 1): \(line)")
                for word in forbidden where code.contains(word) {
                    Issue.record("\(name):\(index + 1) has \(word): \(line)")
                }
            }
        }
    }
}
