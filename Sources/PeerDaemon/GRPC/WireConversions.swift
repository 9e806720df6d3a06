import Catalog
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
    var hexadecimal: String { Hexadecimal.string(Array(self)) }
}

extension Data {
    /// Empty when `text` is no sequence of pairs of hexadecimal digits.
    init(hexadecimal text: String) {
        self.init(Hexadecimal.bytes(text) ?? [])
    }
}
