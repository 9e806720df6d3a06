import GRPCCore

/// gRPC's metadata and status as HTTP/2 fields (gRPC over HTTP/2, "Requests" and "Responses").
enum MetadataFields {
    static let contentType = HeaderField("content-type", "application/grpc")

    /// Those that cannot be sent are left out: see ``check(_:)``.
    static func fields(of metadata: Metadata) -> [HeaderField] {
        metadata.compactMap { key, value in
            let name = key.lowercased()
            // Pseudo and reserved names are the transport's own.
            guard !name.hasPrefix(":"), !reserved.contains(name), isLegal(name, value) else {
                return nil
            }
            return HeaderField(name: name, value: unpadded(value.encoded(), name))
        }
    }

    /// Tells a program that its metadata would not arrive.
    ///
    /// - Throws: INTERNAL, as other implementations do.
    static func check(_ metadata: Metadata) throws(RPCError) {
        for (key, value) in metadata where !isLegal(key.lowercased(), value) {
            throw RPCError(
                code: .internalError,
                message: "metadata \(key): a name is made of a-z 0-9 _ - . and a value of "
                    + "printable ASCII, or bytes where the name ends with -bin")
        }
    }

    /// The application's metadata of a header list; pseudo fields are left out.
    static func metadata(of fields: [HeaderField]) -> Metadata {
        var metadata = Metadata()
        for field in fields where !field.name.hasPrefix(":") && !stripped.contains(field.name) {
            // Binary values stay base64 text here: GRPCCore decodes them when they are asked for.
            // A comma is no part of base64: it joins the values of several fields of one name.
            if field.name.hasSuffix("-bin"), field.value.utf8.contains(UInt8(ascii: ",")) {
                for value in field.value.split(separator: ",") {
                    metadata.addString(trimmed(value), forKey: field.name)
                }
            } else {
                metadata.addString(field.value, forKey: field.name)
            }
        }
        return metadata
    }

    private static func trimmed(_ value: Substring) -> String {
        String(value.drop { $0 == " " }.prefix { $0 != " " })
    }

    /// Binary values go without padding, and are taken with and without ("Custom-Metadata").
    private static func unpadded(_ value: String, _ name: String) -> String {
        guard name.hasSuffix("-bin") else { return value }
        return String(value.prefix { $0 != "=" })
    }

    private static func isLegal(_ name: String, _ value: Metadata.Value) -> Bool {
        guard !name.isEmpty, name.utf8.allSatisfy(isNameByte) else { return name.hasPrefix(":") }
        switch value {
        case .binary: return name.hasSuffix("-bin")
        case .string(let text): return text.utf8.allSatisfy { (0x20...0x7e).contains($0) }
        }
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
            UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "."):
            true
        default: false
        }
    }

    static func trailers(_ status: Status, _ metadata: Metadata) -> [HeaderField] {
        var fields = [HeaderField("grpc-status", String(status.code.rawValue))]
        if !status.message.isEmpty {
            fields.append(HeaderField("grpc-message", percentEncoded(status.message)))
        }
        return fields + self.fields(of: metadata)
    }

    /// The status that a response's last header list tells; without one, what its HTTP status means.
    static func status(of fields: [HeaderField]) -> Status {
        if let code = value("grpc-status", in: fields) {
            let message = value("grpc-message", in: fields).map(percentDecoded) ?? ""
            guard let number = Int(code), let known = Status.Code(rawValue: number) else {
                return Status(code: .unknown, message: "grpc-status \(code): \(message)")
            }
            return Status(code: known, message: message)
        }
        let http = value(":status", in: fields) ?? "none"
        return Status(
            code: code(forHTTPStatus: http), message: "no grpc-status; HTTP status \(http)")
    }

    static func value(_ name: String, in fields: [HeaderField]) -> String? {
        fields.first { $0.name == name }?.value
    }

    /// grpc/doc/http-grpc-status-mapping.md.
    private static func code(forHTTPStatus status: String) -> Status.Code {
        switch status {
        case "400": .internalError
        case "401": .unauthenticated
        case "403": .permissionDenied
        case "404": .unimplemented
        case "429", "502", "503", "504": .unavailable
        default: .unknown
        }
    }

    private static let reserved: Set<String> = [
        "te", "content-type", "grpc-status", "grpc-message", "grpc-encoding",
        "grpc-accept-encoding", "user-agent", "connection", "host", "transfer-encoding",
        "keep-alive", "upgrade", "proxy-connection",
    ]
    /// Said in another way already, or meaningless to an application. `grpc-timeout` stays: GRPCCore
    /// reads the deadline from it.
    private static let stripped: Set<String> = [
        "te", "content-type", "grpc-status", "grpc-message", "grpc-encoding",
        "grpc-accept-encoding",
    ]

    /// Printable ASCII without `%`; everything else is `%XX` of its UTF-8 (gRPC, "Status-Message").
    static func percentEncoded(_ text: String) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var out: [UInt8] = []
        for byte in text.utf8 {
            if (0x20...0x7e).contains(byte), byte != UInt8(ascii: "%") {
                out.append(byte)
            } else {
                out += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: out, as: UTF8.self)
    }

    /// Lenient, as the specification asks: what is no escape stays as it is.
    static func percentDecoded(_ text: String) -> String {
        let bytes = Array(text.utf8)
        var out: [UInt8] = []
        var index = 0
        while index < bytes.count {
            if bytes[index] == UInt8(ascii: "%"), index + 2 < bytes.count,
                let byte = UInt8(
                    String(decoding: bytes[index + 1...index + 2], as: UTF8.self), radix: 16)
            {
                out.append(byte)
                index += 3
            } else {
                out.append(bytes[index])
                index += 1
            }
        }
        return String(decoding: out, as: UTF8.self)
    }
}
