import NIOCore
import NIOEmbedded
import Testing

/// Turns a loop until `body`, which waits for its futures, is through.
func turning<Answer: Sendable>(
  _ body: @escaping @Sendable (NIOAsyncTestingEventLoop) async throws -> Answer
) async throws -> Answer {
  let loop = NIOAsyncTestingEventLoop()
  return try await withThrowingTaskGroup(of: Answer?.self) { group in
    group.addTask { try await body(loop) }
    group.addTask {
      while !Task.isCancelled {
        await loop.run()
        await Task.yield()
      }
      return nil
    }
    let answer = try await group.next() ?? nil
    group.cancelAll()
    return try #require(answer)
  }
}
