import NIOCore

/// Runs tasks on an event loop, so that a handler and its connection share a thread.
///
/// Measured on a prototype: hopping to the default executor and back costs four times the work of a
/// 64 KiB message (shared figures; Benchmarks/grpc).
final class EventLoopTaskExecutor: TaskExecutor {
    let eventLoop: any EventLoop

    init(_ eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        eventLoop.execute {
            job.runSynchronously(on: self.asUnownedTaskExecutor())
        }
    }
}
