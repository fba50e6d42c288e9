#if canImport(Glibc)
  import Glibc
#else
  import Musl
#endif

/// The process's two outputs. Texts from outside (names of files, a server's words) lose their control characters, which
/// would speak to the terminal.
enum Console {
  /// A line on standard output: what the command was asked for.
  static func output(_ line: String) {
    write(clean(line) + "\n", to: 1)
  }

  /// A line on standard error: everything else.
  static func error(_ line: String) {
    write(clean(line) + "\n", to: 2)
  }

  /// Several lines on standard output, whose ends are kept.
  static func outputText(_ lines: String) {
    lines.split(separator: "\n", omittingEmptySubsequences: false).forEach { output(String($0)) }
  }

  /// Several lines on standard error, whose ends are kept.
  static func errorText(_ lines: String) {
    lines.split(separator: "\n", omittingEmptySubsequences: false).forEach { error(String($0)) }
  }

  /// Whether standard error is a terminal that can move its cursor.
  static var isTerminal: Bool {
    guard isatty(2) == 1 else { return false }
    guard let term = getenv("TERM") else { return false }
    return strcmp(term, "dumb") != 0
  }

  /// The terminal's width in columns; 80 if it does not say.
  static var width: Int {
    var size = winsize()
    guard ioctl(2, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
    return Int(size.ws_col)
  }

  /// Draws over the current line of the terminal.
  static func draw(_ line: String) {
    write("\r" + clean(line) + "\u{1B}[K", to: 2)
  }

  static func clean(_ text: String) -> String {
    String(
      String.UnicodeScalarView(
        text.unicodeScalars.map { scalar in
          switch scalar.properties.generalCategory {
          case .control, .format, .lineSeparator, .paragraphSeparator: "\u{FFFD}"
          default: scalar
          }
        }))
  }

  private static func write(_ text: String, to descriptor: CInt) {
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
      let count = bytes.withUnsafeBytes { writeBytes(descriptor, $0) }
      if count < 0, errno == EINTR || errno == EAGAIN { continue }
      // Nobody reads it, which is no reason to stop an upload.
      guard count > 0 else { return }
      bytes = bytes.dropFirst(count)
    }
  }
}

/// `write`, which within the type means its own.
private func writeBytes(_ descriptor: CInt, _ bytes: UnsafeRawBufferPointer) -> Int {
  write(descriptor, bytes.baseAddress, bytes.count)
}
