import NIOCore
import NIOPosix

/// The block that the connections of one event loop write from, one after the other: it is in the
/// processor's cache each time, and a connection that waits for its socket holds none.
final class BlockPool {
    /// Bytes of a block.
    static let blockBytes = 128 * 1024

    private var spare: ByteBuffer?
    // Safe: no thread sees the value of another (NIOConcurrencyHelpers, ThreadSpecificVariable).
    nonisolated(unsafe) private static let perThread = ThreadSpecificVariable<BlockPool>()

    /// That of the event loop whose thread this is.
    static var current: BlockPool {
        if let pool = perThread.currentValue { return pool }
        let pool = BlockPool()
        perThread.currentValue = pool
        return pool
    }

    /// An empty block, to be given back.
    func take() -> ByteBuffer {
        spare.take() ?? ByteBufferAllocator().buffer(capacity: Self.blockBytes)
    }

    /// - Parameter block: No one else has a reference to it, or it is dropped here.
    func give(_ block: inout ByteBuffer) {
        if block.modifyIfUniquelyOwned({ $0.clear() }) != nil { spare = block }
        block = ByteBuffer()
    }
}
