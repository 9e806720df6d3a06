import FoundationEssentials

/// The process's environment, taken once at the start.
package enum Environment {
    package static func all() -> [String: String] {
        ProcessInfo.processInfo.environment
    }
}
