import RootedFiles

/// Under which names files are taken from others.
enum UploadName {
    /// Why a name is not taken: what its sender's user reads.
    struct Refusal: Error, Equatable {
        let reason: String
    }

    /// - Parameter isExcluded: Whether a file of that path would not be shared: it would be received,
    ///   and then never be found.
    /// - Throws: ``Refusal``.
    static func checked(
        _ name: String, isExcluded: (RelativePath) -> Bool
    ) throws(Refusal) -> RelativePath {
        let path: RelativePath
        do {
            path = try RelativePath(name)
        } catch {
            throw Refusal(reason: "\(error)")
        }
        // The staging area is one of them.
        if path.components.contains(where: { $0.hasPrefix(".") }) {
            throw Refusal(reason: "hidden files are not taken")
        }
        if name.unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) {
            throw Refusal(reason: "the name has control characters")
        }
        if isExcluded(path) { throw Refusal(reason: "files of such a name are not shared here") }
        return path
    }
}
