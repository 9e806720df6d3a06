import Crypto
import FoundationEssentials
import Glibc

/// Who this peer is: a P-256 key that is made at first start and kept in the state directory.
///
/// The id is the SHA-256 of the public key in the X9.63 uncompressed encoding (0x04, X, Y:
/// 65 bytes), in 64 lower-case hexadecimal digits. Names clash and addresses are reused; this
/// is neither, and TLS can prove it later.
package struct PeerIdentity: Sendable {
    static let fileName = "identity.key"
    /// A PEM file of a P-256 key has about 240 bytes.
    private static let fileBytesMax = 16384

    package let privateKey: P256.Signing.PrivateKey
    package let id: String

    init(privateKey: P256.Signing.PrivateKey) {
        self.privateKey = privateKey
        id = SHA256.hash(data: privateKey.publicKey.x963Representation).reduce(into: "") {
            $0 += ($1 < 16 ? "0" : "") + String($1, radix: 16)
        }
    }

    /// Reads `identity.key` (PEM, PKCS #8, mode 0600) or makes it.
    ///
    /// A damaged file is never replaced: a new key is a new peer to the whole fleet, and that is
    /// for the operator to decide.
    ///
    /// - Parameter stateDirectory: Exists; its ``StateLock`` is held.
    package static func load(stateDirectory: String) throws(StartupFailure) -> PeerIdentity {
        let path = "\(stateDirectory)/\(fileName)"
        let bytes: [UInt8]
        do throws(SmallFile.ReadError) {
            bytes = try SmallFile.read(path, bytesMax: fileBytesMax)
        } catch {
            switch error {
            case .system(let error) where error.errno == ENOENT:
                return try create(stateDirectory: stateDirectory)
            case .system(let error):
                throw .system("the peer's key \(path) cannot be read", errno: error.errno)
            case .notRegularFile, .oversized:
                throw damaged(path)
            }
        }
        do {
            let pem = String(decoding: bytes, as: UTF8.self)
            return PeerIdentity(privateKey: try P256.Signing.PrivateKey(pemRepresentation: pem))
        } catch {
            throw damaged(path)
        }
    }

    /// Says what to do, and nothing of the file's content.
    private static func damaged(_ path: String) -> StartupFailure {
        StartupFailure(
            code: .configuration,
            message: "the peer's key \(path) is damaged; restore it from a backup, or move it "
                + "away to start as a new peer with a new id")
    }

    private static func create(stateDirectory: String) throws(StartupFailure) -> PeerIdentity {
        let identity = PeerIdentity(privateKey: P256.Signing.PrivateKey())
        let pem = identity.privateKey.pemRepresentation + "\n"
        do throws(SystemError) {
            try SmallFile.create(fileName, in: stateDirectory, bytes: Array(pem.utf8))
        } catch {
            throw .system(
                "the peer's key cannot be made in \(stateDirectory)", errno: error.errno)
        }
        return identity
    }
}
