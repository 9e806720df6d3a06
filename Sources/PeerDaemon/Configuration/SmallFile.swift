import Glibc

/// Reads and replaces files that fit in memory: configuration, keys.
enum SmallFile {
    enum ReadError: Error, Equatable {
        case system(SystemError)
        case notRegularFile
        case oversized(bytesMax: Int)
    }

    /// The whole file, at most `bytesMax` bytes. Does not block on a FIFO.
    static func read(_ path: String, bytesMax: Int) throws(ReadError) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw .system(SystemError(errno: errno)) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            throw .system(SystemError(errno: errno))
        }
        guard status.st_mode & S_IFMT == S_IFREG else { throw .notRegularFile }
        var bytes: [UInt8] = []
        while true {
            let block = try readBlock(descriptor, atMost: min(bytesMax + 1 - bytes.count, 65536))
            if block.isEmpty { return bytes }
            bytes += block
            guard bytes.count <= bytesMax else { throw .oversized(bytesMax: bytesMax) }
        }
    }

    private static func readBlock(
        _ descriptor: CInt, atMost wanted: Int
    ) throws(ReadError) -> [UInt8] {
        var failure: CInt = 0
        repeat {
            failure = 0
            let block = [UInt8](unsafeUninitializedCapacity: wanted) { buffer, count in
                let received = Glibc.read(descriptor, buffer.baseAddress, wanted)
                failure = received < 0 ? errno : 0
                count = max(received, 0)
            }
            if failure == 0 { return block }
        } while failure == EINTR
        throw .system(SystemError(errno: failure))
    }

    /// Writes all of `bytes` to `descriptor`.
    static func write(_ bytes: [UInt8], to descriptor: CInt) throws(SystemError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let written = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if written >= 0 {
                rest = rest.dropFirst(written)
            } else if errno != EINTR {
                throw SystemError(errno: errno)
            }
        }
    }

    /// Makes `directory/name` with `bytes` and mode 0600, whole or not at all, even over a loss
    /// of power: temporary file, fsync, link, fsync of the directory.
    ///
    /// - Throws: EEXIST where there is one already; it is left as it is.
    static func create(
        _ name: String, in directory: String, bytes: [UInt8]
    ) throws(SystemError) {
        // One temporary name: whoever writes here holds the lock of the directory, so one that
        // is left over belongs to nobody.
        let temporary = "\(directory)/.\(name).tmp"
        unlink(temporary)
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw SystemError(errno: errno) }
        defer {
            close(descriptor)
            unlink(temporary)
        }
        try write(bytes, to: descriptor)
        guard fsync(descriptor) == 0, link(temporary, "\(directory)/\(name)") == 0 else {
            throw SystemError(errno: errno)
        }
        try synchronize(directory: directory)
    }

    private static func synchronize(directory: String) throws(SystemError) {
        let descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw SystemError(errno: errno) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw SystemError(errno: errno) }
    }
}
