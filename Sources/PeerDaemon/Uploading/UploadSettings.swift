import Transfer

/// Whether, and how much of, what others send is kept. A reload changes it.
package struct UploadSettings: Sendable, Hashable {
    package var areAccepted: Bool
    package var limits: Upload.Limits

    /// No uploads.
    package static let none = UploadSettings(
        areAccepted: false, limits: Upload.Limits(fileBytesMax: 0, freeBytesMin: 0))

    package init(areAccepted: Bool, limits: Upload.Limits) {
        self.areAccepted = areAccepted
        self.limits = limits
    }

    init(_ configuration: PeerConfiguration) {
        self.init(
            areAccepted: configuration.acceptsUploads,
            limits: Upload.Limits(
                fileBytesMax: Int64(configuration.uploadBytesMax),
                freeBytesMin: Int64(configuration.uploadFreeBytesMin)))
    }
}
