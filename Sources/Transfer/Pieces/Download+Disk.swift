import RootedFiles
import Synchronization
import SystemPackage

/// This host's side of a download: what proves the pieces, what is there by it, and the final name.
extension Download {
    func use(_ request: Int?, size: Int64) {
        state.withLock { state in
            state.layout = PieceLayout(size: size)
            state.manifest = request == nil ? single(size: size) : state.received
        }
    }

    /// Of a file of at most one piece; nil of a larger one.
    private func single(size: Int64) -> Manifest? {
        var digest: [UInt8] = []
        var digits = sha256.utf8.map { $0 }[...]
        while let high = digits.popFirst()?.hexadecimalDigit,
            let low = digits.popFirst()?.hexadecimalDigit
        { digest.append(high << 4 | low) }
        return Manifest(size: size, digests: size == 0 ? [] : digest)
    }

    /// Compares what is there with the manifest in use.
    func check() async {
        let (known, manifest) = state.withLock { ($0.layout, $0.manifest) }
        guard let layout = known else {
            preconditionFailure("\(destination.path) is compared with nothing")
        }
        do {
            let length = try await makeRoom(for: layout)
            let present =
                if let manifest { try await comparePieces(with: manifest, upTo: length) } else {
                    PieceSet(pieceCount: layout.pieceCount)
                }
            whole.reset(layout, stored: present)
            if received.load(ordering: .relaxed) == 0 {
                let resumed = layout.byteCount(of: present)
                state.withLock { $0.resumed = resumed }
            }
            if let store = surroundings.store, let manifest {
                await remember {
                    try await store.begin(
                        self.sha256, manifest: manifest, verified: present,
                        now: surroundings.unixTime())
                }
            }
            send(.piecesChecked(present))
        } catch {
            fail(error)
        }
    }

    /// - Returns: Bytes that are there, holes among them.
    private func makeRoom(for layout: PieceLayout) async throws -> Int64 {
        try await offCooperativePool { [destination] in
            let length = try destination.length()
            if length > layout.size { try destination.truncate(to: layout.size) }
            try destination.reserve(layout.size)
            return length
        }
    }

    private func comparePieces(
        with manifest: Manifest, upTo length: Int64
    ) async throws -> PieceSet {
        let layout = manifest.layout
        var present = PieceSet(pieceCount: layout.pieceCount)
        let candidates = (0..<layout.pieceCount).filter {
            layout.bytes(of: $0).upperBound <= length
        }
        for start in stride(from: 0, to: candidates.count, by: PieceDigests.batchPieces) {
            let batch = Array(
                candidates[start..<min(start + PieceDigests.batchPieces, candidates.count)])
            let digests = try await PieceDigests.of(batch, layout: layout) {
                [destination] buffer, offset in
                try destination.read(into: &buffer, at: offset)
            }
            for (piece, digest) in zip(batch, digests) where manifest.isDigest(digest, of: piece) {
                present.insert(piece)
            }
        }
        return present
    }

    func cutToPrefix() async {
        let (verified, known) = state.withLock { ($0.plan.verified, $0.layout) }
        guard let verified, let layout = known else { return }
        let missing = PieceSet(allOf: layout.pieceCount).subtracting(verified).first()
        let end = missing.map { layout.bytes(of: $0).lowerBound } ?? layout.size
        await remember {
            try await offCooperativePool { [destination] in try destination.truncate(to: end) }
            try await surroundings.store?.end(self.sha256)
        }
    }

    /// Gives back what nobody will need: all of it after an error that spoils it, else only what was
    /// reserved and not written.
    func giveRoomBack(after error: FetchError? = nil) async {
        do {
            guard error?.spoilsPartial == true else {
                return try await offCooperativePool { [destination] in
                    try destination.releaseReserve()
                }
            }
            try await offCooperativePool { [destination] in try destination.discard() }
            state.withLock { $0.isDiscarded = true }
            await remember { try await surroundings.store?.end(self.sha256) }
        } catch {
            logger.report(
                .partialFilesRemain, ["error": "\(error)", "transfer": "\(destination.path)"])
        }
    }

    func publish() async {
        do {
            try await offCooperativePool { [destination] in try destination.publish() }
            send(.published)
        } catch let error as RootedFileError where error.reason == .exists {
            send(.publishRefused)
        } catch {
            fail(error)
        }
    }

    /// An error of this side.
    func fail(_ error: any Error) {
        guard !(error is CancellationError) else { return send(.cancelled) }
        let failure: FetchError =
            switch error {
            case let error as FetchError: error
            case let error as RootedFileError: destination.diskError(error)
            default:
                destination.diskError(
                    RootedFileError(path: destination.path, reason: .system(.ioError)))
            }
        state.withLock { $0.diskError = $0.diskError ?? failure }
        send(.diskFailed)
    }
}

extension UInt8 {
    /// Of a lower-case hexadecimal digit in ASCII.
    fileprivate var hexadecimalDigit: UInt8? {
        switch self {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): self - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): self - UInt8(ascii: "a") + 10
        default: nil
        }
    }
}
