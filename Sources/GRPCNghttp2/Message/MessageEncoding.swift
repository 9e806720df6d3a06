import GRPCCore

/// How the messages of a call are encoded (gRPC, "Compression").
enum MessageEncoding: String, Sendable {
    case identity
    case gzip

    /// What either side accepts, as `grpc-accept-encoding` says it.
    static let accepted = HeaderField("grpc-accept-encoding", "identity,gzip")

    /// One that is not spoken here is left out: gRPC lets a sender choose identity always.
    init(_ algorithm: CompressionAlgorithm) {
        self = algorithm == .gzip ? .gzip : .identity
    }

    /// The `grpc-encoding` that tells the other side; none for identity.
    var fields: [HeaderField] {
        switch self {
        case .identity: []
        case .gzip: [HeaderField("grpc-encoding", rawValue)]
        }
    }

    /// This encoding where the other side accepts it, else identity.
    func accepted(by fields: [HeaderField]) -> MessageEncoding {
        let isAccepted = fields.contains { field in
            field.name == "grpc-accept-encoding"
                && field.value.split(separator: ",").contains {
                    $0.drop { $0 == " " }.prefix { $0 != " " } == rawValue
                }
        }
        return isAccepted ? self : .identity
    }
}
