import CNghttp2

/// A header field or trailer; the name is lower case (RFC 9113 §8.2).
struct HeaderField: Equatable, Sendable {
    var name: String
    var value: String

    init(name: String, value: String) {
        self.name = name
        self.value = value
    }

    init(_ name: String, _ value: String) {
        self.init(name: name, value: value)
    }

    /// Lays the fields out as libnghttp2 reads them. It copies what it keeps.
    static func withNameValues<Result>(
        _ fields: [HeaderField], _ body: (UnsafePointer<nghttp2_nv>?, Int) -> Result
    ) -> Result {
        var bytes: [UInt8] = []
        for field in fields {
            bytes += field.name.utf8
            bytes += field.value.utf8
        }
        return bytes.withUnsafeMutableBufferPointer { storage in
            var offset = 0
            func take(_ count: Int) -> UnsafeMutablePointer<UInt8>? {
                defer { offset += count }
                return storage.baseAddress.map { $0 + offset }
            }
            let pairs = fields.map { field in
                let (nameCount, valueCount) = (field.name.utf8.count, field.value.utf8.count)
                return nghttp2_nv(
                    name: take(nameCount), value: take(valueCount), namelen: nameCount,
                    valuelen: valueCount, flags: UInt8(NGHTTP2_NV_FLAG_NONE.rawValue))
            }
            return pairs.withUnsafeBufferPointer { body($0.baseAddress, $0.count) }
        }
    }
}
