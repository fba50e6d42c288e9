internal import CLinux
internal import Glibc
internal import Synchronization

/// A program that the gateway runs to its end: with bytes on standard input, an environment of its own, a time limit, and
/// bounds on what it may say. No shell comes between.
package struct ChildProgram: Sendable {
  /// What came of it.
  package enum End: Hashable, Sendable {
    /// It ended by itself with this status.
    case exited(Int32)
    /// This signal ended it.
    case signalled(Int32)
    /// It was ended since its time was over.
    case overdue
    /// It was ended since nobody wants it any more.
    case stopped
    /// It could not be started, and why.
    case failed(String)
  }

  /// What came of it, and what it said.
  package struct Outcome: Hashable, Sendable {
    /// What came of it.
    package var end: End
    /// The beginning of its standard output.
    package var output: [UInt8] = []
    /// The beginning of its standard error.
    package var errors: [UInt8] = []
  }

  private let arguments: [String]
  private let environment: [String]
  private let limit: Duration
  private let outputLimit: Int
  private static let errorLimit = 1024

  /// - Parameters:
  ///   - arguments: the program's absolute path, then what it is told.
  ///   - environment: as `NAME=VALUE`, on top of a path of the system's own folders and of a language that is nobody's.
  ///   - limit: how long it may take.
  ///   - outputLimit: bytes of its standard output that are kept; more is read and dropped.
  package init(_ arguments: [String], environment: [String] = [], limit: Duration, outputLimit: Int = 1024) {
    self.arguments = arguments
    self.environment = ["PATH=/usr/local/bin:/usr/bin:/bin", "LANG=C.UTF-8"] + environment
    self.limit = limit
    self.outputLimit = outputLimit
  }

  /// Runs it. Blocks until it has ended; what it started and left behind goes on, unless its time was over.
  package func run(_ input: [UInt8], in programs: RunningPrograms) -> Outcome {
    let file = sluice_make_memory_file()
    defer { close(file) }
    guard file >= 0, Self.fill(file, input) else { return failed("memory for its input") }
    guard var output = Pipe(), var errors = Pipe() else { return failed("a pipe") }
    defer {
      output.close()
      errors.close()
    }
    var child: pid_t = 0
    let code = Self.withPointers(arguments) { arguments in
      Self.withPointers(environment) { environment in
        sluice_start_program(&child, arguments, environment, file, output.write, errors.write)
      }
    }
    guard code == 0 else { return Outcome(end: .failed(String(cString: strerror(code)))) }
    output.closeWriting()
    errors.closeWriting()
    let process = sluice_open_process(child)
    defer { if process >= 0 { close(process) } }
    let isWanted = programs.add(child)
    guard process >= 0, isWanted else {
      let why = String(cString: strerror(errno))
      end(child, in: programs)
      return Outcome(end: isWanted ? .failed("watching it: \(why)") : .stopped)
    }
    var outcome = Outcome(end: .overdue)
    let deadline = ContinuousClock.now + limit
    while true {
      let rest = ContinuousClock.now.duration(to: deadline)
      guard rest > .zero else {
        end(child, in: programs)
        return outcome
      }
      var polled = [output.read, errors.read, process].map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
      let milliseconds = min(rest.components.seconds, 3600) * 1000 + 1
      let wait = rest < .seconds(1) ? rest.components.attoseconds / 1_000_000_000_000_000 + 1 : milliseconds
      // An interruption is as good as the end of the time: everything is looked at again.
      _ = poll(&polled, nfds_t(polled.count), CInt(wait))
      output.take(into: &outcome.output, limit: outputLimit)
      errors.take(into: &outcome.errors, limit: Self.errorLimit)
      guard polled[2].revents != 0 else { continue }
      // What it said last may have come since.
      output.take(into: &outcome.output, limit: outputLimit)
      errors.take(into: &outcome.errors, limit: Self.errorLimit)
      let wasStopped = programs.remove(child)
      var status: CInt = 0
      while waitpid(child, &status, 0) < 0, errno == EINTR {}
      let signal = status & 0x7f
      outcome.end = wasStopped ? .stopped : signal == 0 ? .exited((status >> 8) & 0xff) : .signalled(signal)
      return outcome
    }
  }

  private func failed(_ what: String) -> Outcome {
    Outcome(end: .failed("the system has not \(what): \(String(cString: strerror(errno)))"))
  }

  /// It, and whatever it has started.
  private func end(_ child: pid_t, in programs: RunningPrograms) {
    kill(-child, SIGKILL)
    _ = programs.remove(child)
    var status: CInt = 0
    while waitpid(child, &status, 0) < 0, errno == EINTR {}
  }

  private static func fill(_ file: CInt, _ bytes: [UInt8]) -> Bool {
    bytes.withUnsafeBytes { buffer in
      var written = 0
      while written < buffer.count {
        let count = write(file, buffer.baseAddress?.advanced(by: written), buffer.count - written)
        if count < 0, errno == EINTR { continue }
        guard count > 0 else { return false }
        written += count
      }
      return lseek(file, 0, SEEK_SET) == 0
    }
  }

  /// Texts as C has them: an array of pointers with a null one at its end.
  private static func withPointers<Result>(
    _ texts: [String], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Result
  ) -> Result {
    let pointers = texts.map { text in FileName.withBytes(of: text) { strdup($0) } } + [nil]
    defer { for pointer in pointers { free(pointer) } }
    return pointers.withUnsafeBufferPointer { buffer in
      guard let start = buffer.baseAddress else { preconditionFailure("an array that has an end has memory") }
      return body(start)
    }
  }

  /// What a program writes, and the gateway reads without waiting.
  private struct Pipe {
    private(set) var read: CInt
    private(set) var write: CInt

    init?() {
      var ends: [CInt] = [-1, -1]
      guard pipe(&ends) == 0 else { return nil }
      (read, write) = (ends[0], ends[1])
      for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
      _ = fcntl(read, F_SETFL, O_NONBLOCK)
    }

    /// What is there, as far as it is wanted. At its end nothing more is asked for.
    mutating func take(into bytes: inout [UInt8], limit: Int) {
      var buffer = [UInt8](repeating: 0, count: 4096)
      while read >= 0 {
        let count = Glibc.read(read, &buffer, buffer.count)
        if count < 0, errno == EINTR { continue }
        if count < 0 { return }
        guard count > 0 else {
          Glibc.close(read)
          read = -1
          return
        }
        bytes += buffer[..<min(count, max(0, limit - bytes.count))]
      }
    }

    mutating func closeWriting() {
      if write >= 0 { Glibc.close(write) }
      write = -1
    }

    mutating func close() {
      closeWriting()
      if read >= 0 { Glibc.close(read) }
      read = -1
    }
  }
}

/// The programs that run now, so that all can be ended when the gateway goes away.
package final class RunningPrograms: Sendable {
  private struct State {
    var children: Set<Int32> = []
    var isStopped = false
  }

  private let state = Mutex(State())

  package init() {}

  /// Ends all of them, with whatever they have started, and each that begins from now on.
  package func stop() {
    state.withLock { state in
      state.isStopped = true
      // One that has ended is in here until it is waited for: its number is nobody else's.
      for child in state.children { kill(-child, SIGKILL) }
    }
  }

  /// - Returns: whether it may go on.
  fileprivate func add(_ child: pid_t) -> Bool {
    state.withLock { state in
      state.children.insert(child)
      return !state.isStopped
    }
  }

  /// To be called before it is waited for.
  ///
  /// - Returns: whether all were ended.
  fileprivate func remove(_ child: pid_t) -> Bool {
    state.withLock { state in
      state.children.remove(child)
      return state.isStopped
    }
  }
}
