extension DirectoryService {
    /// - Throws: `invalid`, `busy`, `store(.accountExists)`, `store`.
    package func addAccount(name: String, password: String) async throws(DirectoryError) {
        guard Self.isAccountName(name) else {
            throw .invalid(
                reason: """
                    an account's name has 1 to \(DirectoryLimits.accountNameBytesMax) bytes, and \
                    no control characters
                    """)
        }
        let hash = try await hash(password)
        do {
            try await store.addAccount(Account(name: name, passwordHash: hash))
        } catch {
            throw .store(error)
        }
    }

    /// A peer that is logged in stays so; its next login needs the new password.
    ///
    /// - Throws: `invalid`, `busy`, `store(.noSuchAccount)`, `store`.
    package func setPassword(
        _ password: String, ofAccount name: String
    ) async throws(DirectoryError) {
        let hash = try await hash(password)
        do {
            _ = try await store.setPasswordHash(hash, ofAccount: name, expected: nil)
            passwords.forget(name)
        } catch {
            throw .store(error)
        }
    }

    /// - Returns: The peer that was logged in until now.
    /// - Throws: `store(.noSuchAccount)`, `store`.
    package func setDisabled(
        _ isDisabled: Bool, account name: String
    ) async throws(DirectoryError) -> PeerDeparture? {
        do {
            let lease = try await store.setDisabled(isDisabled, account: name, now: clock())
            passwords.forget(name)
            return lease.map { PeerDeparture(peer: $0.peer, reason: .disabled) }
        } catch {
            throw .store(error)
        }
    }

    /// - Returns: The peer that was logged in until now.
    /// - Throws: `store(.noSuchAccount)`, `store`.
    package func removeAccount(name: String) async throws(DirectoryError) -> PeerDeparture? {
        do {
            let lease = try await store.removeAccount(named: name, now: clock())
            passwords.forget(name)
            return lease.map { PeerDeparture(peer: $0.peer, reason: .removed) }
        } catch {
            throw .store(error)
        }
    }

    /// - Throws: `invalid`, `store`.
    package func accounts(
        after: String? = nil, limit: Int
    ) async throws(DirectoryError) -> [Account] {
        try check(limit: limit)
        do {
            return try await store.accounts(after: after, limit: limit)
        } catch {
            throw .store(error)
        }
    }

    private func hash(_ password: String) async throws(DirectoryError) -> PasswordHash {
        guard let password = Password(password) else {
            throw .invalid(
                reason: "a password has 1 to \(DirectoryLimits.passwordBytesMax) bytes")
        }
        do {
            return try await passwords.hash(password)
        } catch {
            throw Self.refusal(error)
        }
    }

    func check(limit: Int) throws(DirectoryError) {
        guard (1...configuration.limits.pageMax).contains(limit) else {
            throw .invalid(reason: "a page has 1 to \(configuration.limits.pageMax) elements")
        }
    }
}
