import FoundationEssentials
import Glibc
import TestDirectories
import Testing

/// A directory that goes, with everything in it, when the test is over.
final class SharedDirectory: Sendable {
    private let directory: TestDirectories.TemporaryDirectory

    init() throws {
        directory = try TestDirectories.TemporaryDirectory()
    }

    var path: String { directory.path }

    /// - Parameter modified: Seconds since 1970; nil: now.
    func write(_ bytes: [UInt8], to name: String, modified: Int? = nil) throws {
        if let slash = name.lastIndex(of: "/") {
            try FileManager.default.createDirectory(
                atPath: "\(path)/\(name[..<slash])", withIntermediateDirectories: true)
        }
        let file = try #require(fopen("\(path)/\(name)", "w"))
        try #require(fwrite(bytes, 1, bytes.count, file) == bytes.count)
        try #require(fclose(file) == 0)
        guard let modified else { return }
        let times = [
            timespec(tv_sec: modified, tv_nsec: 0), timespec(tv_sec: modified, tv_nsec: 0),
        ]
        try #require(utimensat(AT_FDCWD, "\(path)/\(name)", times, 0) == 0)
    }

    func write(_ text: String, to name: String, modified: Int? = nil) throws {
        try write(Array(text.utf8), to: name, modified: modified)
    }

    func truncate(_ name: String, to size: Int) throws {
        try #require(Glibc.truncate("\(path)/\(name)", size) == 0)
    }

    func makeLink(_ name: String, to target: String) throws {
        try #require(symlink(target, "\(path)/\(name)") == 0)
    }

    func makeFIFO(_ name: String) throws {
        try #require(mkfifo("\(path)/\(name)", 0o644) == 0)
    }

    /// Paths of regular files, ordered.
    func files() throws -> [String] {
        try FileManager.default.subpathsOfDirectory(atPath: path).filter { entry in
            var status = stat()
            return lstat("\(path)/\(entry)", &status) == 0 && status.st_mode & S_IFMT == S_IFREG
        }.sorted()
    }
}
