import CSodium

/// argon2id (RFC 9106) as libsodium has it.
package struct Argon2id: Equatable, Sendable {
    package enum Failure: Error, Equatable {
        /// libsodium could not start, or there was no memory.
        case unavailable
    }

    /// Passes over the memory, libsodium's `opslimit`.
    package var passes: UInt64
    /// Bytes, for the time of one hash.
    package var memory: Int

    /// OWASP's second choice (Password Storage Cheat Sheet): 19 MiB, two passes, one lane.
    package static let standard = Argon2id(passes: 2, memory: 19 << 20)
    /// For tests: the least that libsodium takes.
    package static let weakest = Argon2id(passes: 1, memory: 8192)

    package init(passes: UInt64, memory: Int) {
        self.passes = passes
        self.memory = memory
    }

    /// Hashes with a salt of its own.
    package func hash(_ password: Password) throws(Failure) -> PasswordHash {
        try Self.start()
        var line = [CChar](repeating: 0, count: Int(crypto_pwhash_STRBYTES))
        let code = crypto_pwhash_str_alg(
            &line, password.characters, UInt64(password.bytes.count), passes, memory,
            crypto_pwhash_ALG_ARGON2ID13)
        guard code == 0 else { throw .unavailable }
        let bytes = line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
        return PasswordHash(String(decoding: bytes, as: UTF8.self))
    }

    /// Whether `hash` is of `password`; compared in constant time.
    package static func verify(
        _ password: Password, against hash: PasswordHash
    ) throws(Failure) -> Bool {
        try start()
        return crypto_pwhash_str_verify(
            hash.string, password.characters, UInt64(password.bytes.count)) == 0
    }

    /// Whether `hash` was made with other parameters than these.
    package func isOutdated(_ hash: PasswordHash) -> Bool {
        crypto_pwhash_str_needs_rehash(hash.string, passes, memory) != 0
    }

    private static func start() throws(Failure) {
        // Safe to call from any thread, and again.
        guard sodium_init() >= 0 else { throw .unavailable }
    }
}

extension Password {
    fileprivate var characters: [CChar] { bytes.map { CChar(bitPattern: $0) } }
}
