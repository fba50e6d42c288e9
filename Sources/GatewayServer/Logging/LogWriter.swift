import Glibc

/// Writes a log's lines on a thread of its own: a reader that stops reading, and a disk that is full, stop nobody who logs.
///
/// Lines are written whole and in order. What cannot be written is tried again and again; what comes when too much waits is
/// dropped, and when there is room again a line says how many those were.
final class LogWriter: Sendable {
  private let queue: LogQueue
  private let descriptor: CInt
  private let notice: @Sendable (_ dropped: Int) -> String
  private let retryPause: Duration

  /// - Parameters:
  ///   - descriptor: stays the caller's, and is never closed.
  ///   - notice: the line, with its end, that says how many were dropped.
  ///   - retryPause: between two tries of what failed.
  init(
    descriptor: CInt, bounds: LogQueue.Bounds = LogQueue.Bounds(), retryPause: Duration = .milliseconds(500),
    notice: @escaping @Sendable (_ dropped: Int) -> String
  ) throws(LogThreadError) {
    queue = LogQueue(bounds: bounds)
    self.descriptor = descriptor
    self.notice = notice
    self.retryPause = retryPause
    var thread = pthread_t()
    let passed = Unmanaged.passRetained(self)
    let code = pthread_create(
      &thread, nil,
      { argument in
        if let argument { Unmanaged<LogWriter>.fromOpaque(argument).takeRetainedValue().run() }
        return nil
      }, passed.toOpaque())
    guard code == 0 else {
      passed.release()
      throw LogThreadError(cause: String(cString: strerror(code)))
    }
    pthread_detach(thread)
  }

  /// Takes a line with its end. From any thread, at once.
  func append(_ line: String) { queue.append(line) }

  /// Waits until all lines are written; no longer than `limit`, and no longer than a second in which nobody takes any.
  ///
  /// - Returns: whether all are.
  func drain(within limit: Duration) -> Bool { queue.drain(within: limit, patience: .seconds(1)) }

  // To the end of the process.
  private func run() -> Never {
    // A reader that went away is an error like others.
    var brokenPipe = sigset_t()
    sigemptyset(&brokenPipe)
    sigaddset(&brokenPipe, SIGPIPE)
    pthread_sigmask(SIG_BLOCK, &brokenPipe, nil)
    let most = mostAtOnce()
    var batch: [UInt8] = []
    while true {
      let dropped = queue.next(into: &batch)
      write(batch, atMost: most)
      if dropped > 0 { write(Array(notice(dropped).utf8), atMost: most) }
    }
  }

  /// Into a pipe that others write to as well, no more goes unbroken than this (pipe(7), PIPE_BUF).
  private func mostAtOnce() -> Int {
    var status = stat()
    return fstat(descriptor, &status) == 0 && status.st_mode & S_IFMT == S_IFIFO ? 4096 : 64 << 10
  }

  private func write(_ bytes: [UInt8], atMost most: Int) {
    var position = 0
    while position < bytes.count {
      let end = Self.end(ofPieceFrom: position, of: bytes, atMost: most)
      let count = bytes.withUnsafeBytes {
        Glibc.write(descriptor, $0.baseAddress.map { $0 + position }, end - position)
      }
      if count >= 0 {
        position += count
        queue.wrote(count)
        continue
      }
      switch errno {
      case EINTR: continue
      case EAGAIN:
        // Whoever shares the other end has made it non-blocking.
        var ready = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        _ = poll(&ready, 1, 1000)
      case EPIPE:
        // The next reader, if there is one, begins with a whole line.
        position = bytes[..<position].lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
        queue.pause(retryPause)
      default: queue.pause(retryPause)
      }
    }
  }

  /// After the last line that fits, or in the middle of one that does not.
  private static func end(ofPieceFrom start: Int, of bytes: [UInt8], atMost most: Int) -> Int {
    guard bytes.count - start > most else { return bytes.count }
    let limit = start + most
    return bytes[start..<limit].lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? limit
  }
}

/// There is no thread for the log.
package struct LogThreadError: Error, CustomStringConvertible {
  let cause: String

  /// What was wrong, and what to do.
  package var description: String { "the system has no thread for the log (\(cause)): let the process have more" }
}
