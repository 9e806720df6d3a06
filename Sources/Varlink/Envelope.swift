import FoundationEssentials

/// What a call says beside its parameters (varlink.org, "Method Call").
struct CallHeader: Codable, Sendable {
    var method: String
    var more: Bool?
    var oneway: Bool?
    var upgrade: Bool?
}

/// A call as a client sends it.
struct OutgoingCall<Parameters: Encodable>: Encodable {
    var method: String
    var parameters: Parameters
    var more: Bool?
}

/// What a reply says beside its parameters (varlink.org, "Method Reply").
struct ReplyHeader: Decodable {
    var error: String?
    var continues: Bool?
}

/// A reply as a service sends it.
struct OutgoingReply: Encodable {
    var parameters: any Encodable
    var continues: Bool?
    var error: String?

    private enum Key: String, CodingKey {
        case parameters, continues, error
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encodeIfPresent(error, forKey: .error)
        try container.encode(parameters, forKey: .parameters)
        try container.encodeIfPresent(continues, forKey: .continues)
    }
}

/// The parameters of any message; a message without them has those of an empty object.
struct ParametersOf<Parameters: Decodable>: Decodable {
    let parameters: Parameters

    private enum Key: String, CodingKey {
        case parameters
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        if container.contains(.parameters), try !container.decodeNil(forKey: .parameters) {
            parameters = try container.decode(Parameters.self, forKey: .parameters)
        } else {
            parameters = try JSONDecoder().decode(Parameters.self, from: Data("{}".utf8))
        }
    }
}

/// A method without parameters, or a reply without any.
package struct NoParameters: Codable, Sendable, Equatable {
    package init() {}
}

/// JSON with the NUL that ends a message.
func encodeMessage(_ value: some Encodable) throws -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .withoutEscapingSlashes
    return [UInt8](try encoder.encode(value)) + [0]
}

func decodeMessage<Value: Decodable>(_ type: Value.Type, from bytes: [UInt8]) throws -> Value {
    try JSONDecoder().decode(type, from: Data(bytes))
}
