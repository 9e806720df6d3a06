import Crypto
import Locking

/// The passwords that were proved lately, as HMACs under a key of this process.
///
/// Original clients send their password every 30 s; each time argon2id would keep two cores busy
/// with a few thousand peers. What is kept here is of no use without the key, which is in this
/// process alone, where passwords pass through anyway; nothing of it is written. It holds for the
/// stored hash that it was proved against: a password that was changed, by whatever process, is
/// proved anew.
final class VerifiedPasswords: Sendable {
    /// About 150 bytes each. A full table forgets any one of them, which costs that peer an
    /// argon2id at its next login.
    private static let accountsMax = 65_536

    private struct Proof {
        let hash: PasswordHash
        let code: HMAC<Crypto.SHA256>.MAC
        let source: String
    }

    private let key = SymmetricKey(size: .bits256)
    private let proofs = Locked<[ExactString: Proof]>([:])

    func holds(_ password: Password, of account: Account) -> Bool {
        let proof = proofs.withLock { $0[ExactString(account.name)] }
        guard let proof, proof.hash == account.passwordHash else { return false }
        return HMAC<Crypto.SHA256>.isValidAuthenticationCode(
            proof.code, authenticating: password.bytes, using: key)
    }

    /// Whether the account's last proof came from `source`.
    func isFamiliar(_ source: String, of account: String) -> Bool {
        proofs.withLock { $0[ExactString(account)]?.source == source }
    }

    func insert(_ password: Password, of account: Account, source: String) {
        let code = HMAC<Crypto.SHA256>.authenticationCode(for: password.bytes, using: key)
        proofs.withLock { proofs in
            if proofs.count >= Self.accountsMax, let any = proofs.keys.first {
                proofs[any] = nil
            }
            proofs[ExactString(account.name)] = Proof(
                hash: account.passwordHash, code: code, source: source)
        }
    }

    func remove(_ account: String) {
        proofs.withLock { $0[ExactString(account)] = nil }
    }
}
