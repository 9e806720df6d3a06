import Testing

@testable import Transfer

@Suite struct BatchQueueTests {
    static let half = [UInt8](repeating: 1, count: BatchQueue.batchBytes / 2)

    @Test("Chunks come out in their order, gathered to batches; the last one may be small")
    func order() async {
        let queue = BatchQueue()
        for number: UInt8 in 0..<3 {
            await queue.push([number] + Self.half)
        }
        await queue.push([9])
        queue.finish()
        var batches: [[UInt8]] = []
        while let batch = await queue.next() { batches.append(batch.compactMap(\.first)) }
        #expect(batches == [[0, 1], [2, 9]])
    }

    @Test("With two batches waiting the producer waits until one is taken")
    func bound() async {
        let queue = BatchQueue()
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                for _ in 0..<100 { await queue.push(Self.half) }
                queue.finish()
            }
            var taken = 0
            while await queue.next() != nil {
                taken += 1
                // Taken and waiting and gathered: the producer is never further ahead.
                #expect(queue.waiting <= BatchQueue.batchesMax)
            }
            #expect(taken == 50)
        }
    }

    @Test("A consumer that gives up lets the producer go on into nothing")
    func abandoned() async {
        let queue = BatchQueue()
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                for _ in 0..<100 { await queue.push(Self.half) }
                queue.finish()
            }
            _ = await queue.next()
            queue.abandon()
        }
        #expect(queue.isAbandoned)
        #expect(await queue.next() == nil)
    }

    @Test("A consumer that waits gets the end")
    func end() async {
        let queue = BatchQueue()
        async let next = queue.next()
        queue.finish()
        #expect(await next == nil)
    }
}
