import Crypto

extension SHA256 {
    /// Hashes what comes next, without a copy. (Crypto's own functions take pointers and Foundation's data.)
    mutating func update(_ bytes: RawSpan) {
        bytes.withUnsafeBytes { update(bufferPointer: $0) }
    }
}
