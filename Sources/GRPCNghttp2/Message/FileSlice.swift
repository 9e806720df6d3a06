import CLinux
import NIOCore
import NIOPosix
import SystemPackage

/// A range of an open file that is still to be sent.
///
/// Reading never waits for a disk: what is not in memory is fetched by ``fetch()`` first, on a thread
/// that may wait.
package struct FileSlice: Sendable {
    /// Keeps the descriptor open while a slice of it is queued.
    package let file: any OpenFileDescriptor
    package private(set) var offset: Int64
    /// Bytes that are left.
    package private(set) var count: Int
    /// Reading below this offset may wait: it was fetched a moment ago, and asking again whether it is
    /// there could go on for ever where the page cache is under pressure, or is not asked (NFS, FUSE).
    private var fetchedUpTo: Int64

    package init(file: any OpenFileDescriptor, offset: Int64, count: Int) {
        precondition(offset >= 0 && count >= 0, "slice \(offset)+\(count)")
        self.file = file
        self.offset = offset
        self.count = count
        fetchedUpTo = offset
    }

    /// What there was of the bytes that were wanted.
    enum Reading: Equatable {
        /// So many bytes, at least one; fewer than wanted means that the rest is not in memory.
        case bytes(Int)
        /// ``fetch()`` first.
        case notResident
        /// The file ends before the slice does, or cannot be read any more.
        case fileEnded
    }

    /// Takes the next `wanted` bytes, as far as they are in memory, and appends them to `output`.
    mutating func read(_ wanted: Int, into output: inout ByteBuffer) -> Reading {
        precondition(0 < wanted && wanted <= count, "\(wanted) bytes of a slice with \(count)")
        let (descriptor, position) = (file.descriptor, offset)
        let fetched = Int(max(0, fetchedUpTo - position))
        let (mayWait, limit) = (fetched > 0, fetched > 0 ? min(wanted, fetched) : wanted)
        var reading = Reading.notResident
        output.writeWithUnsafeMutableBytes(minimumWritableBytes: limit) { space in
            let target = UnsafeMutableRawBufferPointer(rebasing: space.prefix(limit))
            reading = Self.read(descriptor, at: position, mayWait: mayWait, into: target)
            if case .bytes(let count) = reading { return count }
            return 0
        }
        if case .bytes(let count) = reading { advance(by: count) }
        return reading
    }

    private static func read(
        _ descriptor: SystemPackage.FileDescriptor, at position: Int64, mayWait: Bool,
        into target: UnsafeMutableRawBufferPointer
    ) -> Reading {
        guard mayWait else {
            let received = clinux_read_resident(
                descriptor.rawValue, target.baseAddress, target.count, position)
            // An error of the call that does not wait is met again by the one that does.
            return received > 0 ? .bytes(received) : received == 0 ? .fileEnded : .notResident
        }
        let received = waitingRead(descriptor, at: position, into: target)
        return received > 0 ? .bytes(received) : .fileEnded
    }

    /// - Returns: Bytes read; 0 at the end of the file, and for an error, which reading again does not mend.
    private static func waitingRead(
        _ descriptor: SystemPackage.FileDescriptor, at position: Int64,
        into target: UnsafeMutableRawBufferPointer
    ) -> Int {
        do {
            return try descriptor.read(
                fromAbsoluteOffset: position, into: target, retryOnInterrupt: true)
        } catch {
            return 0
        }
    }

    /// Appends what the file has of this slice, waiting for a disk where it must.
    func readAll(into output: inout ByteBuffer) {
        var rest = self
        rest.fetchedUpTo = offset + Int64(count)
        while rest.count > 0, case .bytes = rest.read(rest.count, into: &output) {}
    }

    /// Splits the next `wanted` bytes off, to be sent by others.
    mutating func takePrefix(_ wanted: Int) -> FileSlice {
        var prefix = self
        prefix.count = wanted
        advance(by: wanted)
        return prefix
    }

    mutating func advance(by taken: Int) {
        precondition(0 <= taken && taken <= count, "\(taken) bytes of a slice with \(count)")
        offset += Int64(taken)
        count -= taken
    }

    /// Whether the next `wanted` bytes can be sent by the kernel without waiting for a disk, as far as
    /// a look at some of them tells.
    ///
    /// The kernel reads ahead, and gives up what it has read, in runs: a page that is missing between
    /// two that were looked at costs the event loop one wait.
    func residency(of wanted: Int) -> Residency {
        let end = offset + Int64(wanted)
        if end <= fetchedUpTo {
            return clinux_is_resident(file.descriptor.rawValue, end - 1) < 0
                ? .fileEnded : .resident
        }
        // The end first: a file that has become shorter is found by it.
        var position = end - 1
        while true {
            switch clinux_is_resident(file.descriptor.rawValue, position) {
            case 1: break
            case 0: return .notResident
            default: return .fileEnded
            }
            guard position > offset else { return .resident }
            position = max(offset, position - Int64(Self.probeStepBytes))
        }
    }

    enum Residency {
        case resident
        case notResident
        case fileEnded
    }

    /// The kernel's own read-ahead (128 KiB, /sys/block/*/queue/read_ahead_kb).
    private static let probeStepBytes = 128 * 1024

    /// Brings the next bytes into memory on a thread that may wait, at most ``fetchBytesMax`` of them.
    ///
    /// - Returns: When they are there, or cannot be had: reading tells which.
    mutating func fetch(on eventLoop: any EventLoop) -> EventLoopFuture<Void> {
        let (file, begin) = (file, offset)
        let end = begin + Int64(min(count, Self.fetchBytesMax))
        fetchedUpTo = end
        return NIOSingletons.posixBlockingThreadPool.runIfActive(eventLoop: eventLoop) {
            Self.fetch(file.descriptor, begin..<end)
        }
    }

    /// Bytes that are fetched at once: one frame of the largest size. More would keep a disk busier, and
    /// a stream longer from its first byte.
    private static let fetchBytesMax = 1 << 20

    private static func fetch(_ descriptor: SystemPackage.FileDescriptor, _ range: Range<Int64>) {
        withUnsafeTemporaryAllocation(byteCount: probeStepBytes, alignment: 4096) { scratch in
            var position = range.lowerBound
            while position < range.upperBound {
                let wanted = min(scratch.count, Int(range.upperBound - position))
                let space = UnsafeMutableRawBufferPointer(rebasing: scratch.prefix(wanted))
                let count = waitingRead(descriptor, at: position, into: space)
                guard count > 0 else { return }
                position += Int64(count)
            }
        }
    }
}

/// A file that stays open as long as somebody holds this object.
package protocol OpenFileDescriptor: AnyObject, Sendable {
    var descriptor: SystemPackage.FileDescriptor { get }
}
