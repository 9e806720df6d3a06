/// A field section while it arrives, held to its bounds.
struct HeaderList {
    /// What is to be done with a field.
    enum Verdict: Equatable {
        case kept
        /// The list has outgrown its bounds: this field and all that follow are left out.
        case leftOut
        /// Nobody who means well sends this: end the connection.
        case hopeless
    }

    /// A list of so many times its bounds is an attack. Up to there its sender gets an answer.
    private static let hopelessFactor = 8

    private(set) var fields: [HeaderField] = []
    /// Counted as RFC 9113 §6.5.2 does: 32 bytes a field on top of its octets.
    private(set) var bytes = 0
    private(set) var isTooLarge = false
    private var count = 0

    /// Counts a field before anything is copied: a reference of one byte may stand for 4 KiB.
    ///
    /// - Parameter octets: Of name and value together.
    mutating func add(
        octets: Int, bytesMax: Int, fieldsMax: Int, _ field: () -> HeaderField
    ) -> Verdict {
        count += 1
        bytes += octets + 32
        guard bytes <= bytesMax * Self.hopelessFactor, count <= fieldsMax * Self.hopelessFactor
        else { return .hopeless }
        guard !isTooLarge, bytes <= bytesMax, count <= fieldsMax else {
            isTooLarge = true
            return .leftOut
        }
        fields.append(field())
        return .kept
    }
}
