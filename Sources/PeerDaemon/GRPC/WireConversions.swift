import FoundationEssentials
import Overlay
import PeerWire

extension P2p_V1_File {
    init(_ file: FoundFile) {
        self.init()
        path = file.path
        size = file.size
        modified = file.modified
        sha256 = Data(hexadecimal: file.sha256 ?? "")
    }
}

extension FoundFile {
    /// nil for what no peer of ours would send.
    init?(_ file: P2p_V1_File) {
        guard !file.path.isEmpty, file.size >= 0, file.sha256.isEmpty || file.sha256.count == 32
        else {
            return nil
        }
        self.init(
            path: file.path, size: file.size, modified: file.modified,
            sha256: file.sha256.isEmpty ? nil : file.sha256.hexadecimal)
    }
}

extension P2p_V1_Address {
    init(_ peer: PeerAddress) {
        self.init()
        url = peer.url.description
        id = Data(hexadecimal: peer.id ?? "")
        name = peer.name
        grpc = peer.grpc ?? ""
        version = peer.version ?? ""
    }
}

extension PeerAddress {
    init?(_ address: P2p_V1_Address) {
        guard let url = PeerURL(wire: address.url) else { return nil }
        self.init(
            url: url, name: address.name, id: address.id.isEmpty ? nil : address.id.hexadecimal,
            grpc: address.grpc.isEmpty ? nil : address.grpc,
            version: address.version.isEmpty ? nil : address.version)
    }
}

extension PeerURL {
    /// nil for text that is no peer's URL: what came over the wire is then as good as absent.
    init?(wire text: String) {
        do {
            try self.init(text)
        } catch {
            return nil
        }
    }
}

extension Collection where Element == UInt8 {
    /// Lower-case, two digits a byte.
    var hexadecimal: String {
        let digits = Array("0123456789abcdef".utf8)
        return String(
            decoding: flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}

extension Data {
    /// Empty when `text` is no sequence of pairs of hexadecimal digits.
    init(hexadecimal text: String) {
        let digits = text.utf8.map { UInt8($0) }
        let values = digits.compactMap { Character(UnicodeScalar($0)).hexDigitValue }
        guard values.count == digits.count, values.count.isMultiple(of: 2) else {
            self.init()
            return
        }
        self.init(
            stride(from: 0, to: values.count, by: 2).map { UInt8(values[$0] << 4 | values[$0 + 1]) }
        )
    }
}
