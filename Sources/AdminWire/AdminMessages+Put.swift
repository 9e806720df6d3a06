// swift-format-ignore: AlwaysUseLowerCamelCase
extension Admin {
    package struct PutQuery: Codable, Sendable {
        package var input: Int
        package var name: String
        package var peer: String

        package init(input: Int, name: String, peer: String) {
            self.input = input
            self.name = name
            self.peer = peer
        }
    }

    package struct PutProgress: Codable, Equatable, Sendable {
        package var state: String
        package var name: String
        package var peer: String
        package var size: Int
        package var sent: Int
        package var message: String?
        package var elapsed_ms: Int

        package init(
            state: String, name: String, peer: String, size: Int, sent: Int,
            message: String? = nil, elapsed_ms: Int
        ) {
            self.state = state
            self.name = name
            self.peer = peer
            self.size = size
            self.sent = sent
            self.message = message
            self.elapsed_ms = elapsed_ms
        }
    }

    package struct PutReply: Codable, Sendable {
        package var progress: PutProgress

        package init(progress: PutProgress) {
            self.progress = progress
        }
    }
}
