import Glibc
import NIOPosix

/// Waits, on a thread of its own, until nobody holds the other end of standard input.
func endOfInput() async {
    await withCheckedContinuation { continuation in
        NIOThreadPool.singleton.submit { _ in
            while readLine() != nil {}
            continuation.resume()
        }
    }
}

/// Prints a line that a waiting parent reads at once.
func printNow(_ line: String) {
    print(line)
    fflush(nil)
}
