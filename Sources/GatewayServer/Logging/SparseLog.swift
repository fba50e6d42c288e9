import Logging
import NIOCore
import Synchronization

/// A line that would be written as often as strangers like, written once in ten seconds at most, with how often it was due.
final class SparseLog: Sendable {
  private struct State {
    var nextWord: NIODeadline?
    var count = 0
  }

  private static let silence = TimeAmount.seconds(10)

  private let logger: Logger
  private let message: Logger.Message
  private let state = Mutex(State())

  init(_ message: Logger.Message, to logger: Logger) {
    self.message = message
    self.logger = logger
  }

  func say(_ metadata: @autoclosure () -> Logger.Metadata = [:], now: NIODeadline = .now()) {
    let count = state.withLock { state -> Int? in
      state.count += 1
      if let next = state.nextWord, now < next { return nil }
      defer { state.count = 0 }
      state.nextWord = now + Self.silence
      return state.count
    }
    guard let count else { return }
    logger.warning(message, metadata: metadata().merging(["times": "\(count)"]) { own, _ in own })
  }
}
