import Glibc
import RootedFiles

/// Which names are not shared: globs as in fnmatch(3), on each component of a path.
package struct Exclusions: Sendable {
    /// Hidden and temporary files.
    package static let standard = [
        ".*", "*~", "#*#", "*.tmp", "*.temp", "*.part", "*.partial", "*.swp", "*.crdownload",
    ]

    private let globs: [String]

    package init(_ globs: [String]) {
        self.globs = globs
    }

    func excludes(name: String) -> Bool {
        name == RootedDirectory.stagingName || globs.contains { fnmatch($0, name, 0) == 0 }
    }

    func excludes(_ path: RelativePath) -> Bool {
        path.components.contains { excludes(name: $0) }
    }
}
