import NIOCore

extension Channel {
    /// Closes a listening socket so that every connection that was accepted is served.
    ///
    /// Closing it at once would reset those that are on their way to an event loop of their own. The
    /// listening socket itself is not shut down: where another process holds it too, as the service
    /// manager does, its queue stays, and waits for whoever serves it next.
    ///
    /// - Parameter group: The loops of the accepted connections.
    /// - Returns: Succeeds when the last child channel's initializer has run; never fails.
    package func stopAccepting(handedTo group: any EventLoopGroup) -> EventLoopFuture<Void> {
        let loop = eventLoop
        return setOption(.autoRead, value: false)
            // A loop runs its tasks in order: behind these, nothing accepted is left.
            .flatMap {
                EventLoopFuture.andAllComplete(
                    group.makeIterator().map { $0.submit {} }, on: loop)
            }
            .flatMap { self.close() }
            // It was closed already.
            .recover { _ in }
    }
}
