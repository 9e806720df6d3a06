// swift-format-ignore: AlwaysUseLowerCamelCase
extension Admin {
    package struct TreeQuery: Codable, Sendable {
        package var peer: String
        package var directory: String
        package var pattern: String?
        package var force: Bool?

        package init(
            peer: String, directory: String, pattern: String? = nil, force: Bool? = nil
        ) {
            self.peer = peer
            self.directory = directory
            self.pattern = pattern
            self.force = force
        }
    }

    package struct FileFailure: Codable, Equatable, Sendable {
        package var path: String
        package var reason: String

        package init(path: String, reason: String) {
            self.path = path
            self.reason = reason
        }
    }

    package struct TreeProgress: Codable, Equatable, Sendable {
        package var state: String
        package var files: Int
        package var done: Int
        package var present: Int
        package var failed: Int
        package var bytes: Int
        package var failures: [FileFailure]
        package var elapsed_ms: Int

        package init(
            state: String, files: Int, done: Int, present: Int, failed: Int, bytes: Int,
            failures: [FileFailure], elapsed_ms: Int
        ) {
            self.state = state
            self.files = files
            self.done = done
            self.present = present
            self.failed = failed
            self.bytes = bytes
            self.failures = failures
            self.elapsed_ms = elapsed_ms
        }
    }

    package struct TreeReply: Codable, Sendable {
        package var progress: TreeProgress

        package init(progress: TreeProgress) {
            self.progress = progress
        }
    }
}
