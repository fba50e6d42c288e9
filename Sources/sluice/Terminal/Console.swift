import ArgumentParser
import OperatingSystem
import Synchronization

#if canImport(Glibc)
  import Glibc
#else
  import Musl
#endif

/// The process's two outputs. Texts from outside (names of files, a server's words) lose their control characters,
/// which would speak to the terminal.
enum Console {
  /// What kept standard output from being written. Nothing more is tried from then on; ``Sluice/main()`` tells it at
  /// the end.
  private static let failure = Mutex<CInt?>(nil)
  private static let hasWritten = Atomic(false)

  /// A line on standard output: what the command was asked for.
  static func output(_ line: String) {
    outputAsItIs(clean(line) + "\n")
  }

  /// A line on standard error: everything else.
  static func error(_ line: String) {
    // A failure of standard error cannot be told anywhere, and is no reason to stop an upload.
    _ = write(clean(line) + "\n", to: STDERR_FILENO)
  }

  /// Lines on standard output, in one piece.
  static func output(_ lines: [String]) {
    outputAsItIs(lines.reduce(into: "") { $0 += clean($1) + "\n" })
  }

  /// Several lines on standard output, whose ends are kept.
  static func outputText(_ lines: String) {
    output(lines.split(separator: "\n", omittingEmptySubsequences: false).map(String.init))
  }

  /// Several lines on standard error, whose ends are kept.
  static func errorText(_ lines: String) {
    lines.split(separator: "\n", omittingEmptySubsequences: false).forEach { error(String($0)) }
  }

  /// The program's own words, tabs included.
  static func outputAsItIs(_ text: String) {
    hasWritten.store(true, ordering: .relaxed)
    failure.withLock { failure in
      if failure == nil { failure = write(text, to: STDOUT_FILENO) }
    }
  }

  /// Bytes on standard output.
  ///
  /// - Throws: ``ExitStatus/outputLost`` where they cannot be written.
  static func output(bytes: UnsafeRawBufferPointer) throws(ExitCode) {
    hasWritten.store(true, ordering: .relaxed)
    let isLost = failure.withLock { failure in
      if failure == nil { failure = write(bytes, to: STDOUT_FILENO) }
      return failure != nil
    }
    if isLost { throw ExitStatus.outputLost }
  }

  /// The same where it must not wait for a reader.
  ///
  /// - Returns: why it was not written, for a person.
  static func outputAtOnce(_ text: String) -> String? {
    var ready = pollfd(fd: STDOUT_FILENO, events: Int16(POLLOUT), revents: 0)
    guard poll(&ready, 1, 0) != 0 else { return "its reader does not read" }
    outputAsItIs(text)
    return failure.withLock { $0.map { String(cString: strerror($0)) } }
  }

  /// Closes standard output, which is when some file systems tell that there was no room for what they took.
  ///
  /// - Returns: the error number of what kept it from being written, if anything did.
  static func closeOutput() -> CInt? {
    failure.withLock { failure in
      guard failure == nil, hasWritten.load(ordering: .relaxed) else { return failure }
      if close(STDOUT_FILENO) != 0, errno != EINTR { failure = errno }
      return failure
    }
  }

  /// Whether standard error is a terminal that can move its cursor.
  static var isTerminal: Bool {
    guard isatty(STDERR_FILENO) == 1 else { return false }
    guard let term = getenv("TERM") else { return false }
    return strcmp(term, "dumb") != 0
  }

  /// The terminal's width in columns: what COLUMNS says, else the terminal; 80 if neither does.
  static var width: Int {
    if let text = getenv("COLUMNS"), let columns = Int(String(cString: text)), (1...10_000).contains(columns) {
      return columns
    }
    var size = winsize()
    guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
    return Int(size.ws_col)
  }

  /// Draws over the current line of the terminal.
  static func draw(_ line: String) {
    _ = write("\r" + clean(line) + "\u{1B}[K", to: STDERR_FILENO)
  }

  static func clean(_ text: String) -> String {
    String(
      String.UnicodeScalarView(
        FileName.shown(text).unicodeScalars.map { scalar in
          switch scalar.properties.generalCategory {
          case .control, .format, .lineSeparator, .paragraphSeparator: "\u{FFFD}"
          default: scalar
          }
        }))
  }

  /// - Returns: the error number of a failure.
  static func write(_ text: String, to descriptor: CInt) -> CInt? {
    var text = text
    return text.withUTF8 { write(UnsafeRawBufferPointer($0), to: descriptor) }
  }

  private static func write(_ bytes: UnsafeRawBufferPointer, to descriptor: CInt) -> CInt? {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = writeBytes(descriptor, UnsafeRawBufferPointer(rebasing: rest))
      if count >= 0 {
        rest = rest.dropFirst(count)
      } else if errno == EAGAIN {
        // Whoever shares the other end has made it non-blocking.
        var ready = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        _ = poll(&ready, 1, -1)
      } else if errno != EINTR {
        return errno
      }
    }
    return nil
  }
}

/// `write`, which within the type means its own.
private func writeBytes(_ descriptor: CInt, _ bytes: UnsafeRawBufferPointer) -> Int {
  write(descriptor, bytes.baseAddress, bytes.count)
}
