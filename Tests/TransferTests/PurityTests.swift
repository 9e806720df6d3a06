import FoundationEssentials
import Testing

@Suite struct PurityTests {
    @Test("The plan imports nothing, and reads no clock and no randomness")
    func pure() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let folder = root.appending(path: "Sources/Transfer/Plan").resolvingSymlinksInPath().path
        let names = try FileManager.default.contentsOfDirectory(atPath: folder)
        #expect(names.contains("FetchPlan.swift") && names.contains("DownloadPlan.swift"))
        for name in names {
            let text = try String(contentsOfFile: "\(folder)/\(name)", encoding: .utf8)
            for line in text.split(separator: "\n") {
                let code = line.drop { $0 == " " }
                guard !code.hasPrefix("//") else { continue }
                for word in ["import ", ".now", ".random(", "shuffled()", "Task", "Clock"]
                where code.contains(word) {
                    Issue.record("\(name) has \(word): \(line)")
                }
            }
        }
    }
}
