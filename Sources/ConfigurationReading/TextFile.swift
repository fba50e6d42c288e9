package import Glibc
import OperatingSystem

/// Reads whole small text files.
package enum TextFile {
  /// The text of a regular file.
  ///
  /// - Parameters:
  ///   - path: from the current folder, or absolute.
  ///   - largest: in bytes; more is refused.
  ///   - check: looks at the file that was opened, so that it cannot be exchanged in between.
  package static func read(
    _ path: String, largest: Int, check: (stat) throws(ValueFault) -> Void = { _ in }
  ) throws(ValueFault) -> String {
    // Without O_NONBLOCK a FIFO would hold the start up for ever.
    let descriptor = FileName.withBytes(of: path) { open($0, O_RDONLY | O_CLOEXEC | O_NONBLOCK) }
    guard descriptor >= 0 else {
      throw ValueFault(
        message: "cannot be read: \(FilePlace.word(for: errno))", hint: "create it, or name another file")
    }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      throw ValueFault(message: "is not a file", hint: "name the file itself")
    }
    try check(status)
    guard status.st_size <= largest else {
      throw ValueFault(message: "is larger than \(ByteSize.text(Int64(largest)))", hint: "name the right file")
    }
    // One byte more than is allowed shows a file that grew meanwhile.
    var bytes = [UInt8](repeating: 0, count: largest + 1)
    var filled = 0
    while filled < bytes.count {
      let count = bytes.withUnsafeMutableBytes { buffer in
        Glibc.read(descriptor, buffer.baseAddress?.advanced(by: filled), buffer.count - filled)
      }
      if count == 0 { break }
      if count < 0 {
        if errno == EINTR { continue }
        throw ValueFault(message: "cannot be read: \(FilePlace.word(for: errno))", hint: "name another file")
      }
      filled += count
    }
    guard filled <= largest else {
      throw ValueFault(message: "is larger than \(ByteSize.text(Int64(largest)))", hint: "name the right file")
    }
    return try text(bytes[..<filled])
  }

  /// The text without the mark that some editors begin it with.
  private static func text(_ bytes: ArraySlice<UInt8>) throws(ValueFault) -> String {
    if bytes.starts(with: [0xFE, 0xFF]) || bytes.starts(with: [0xFF, 0xFE]) {
      throw ValueFault(message: "is UTF-16 or UTF-32 text", hint: "save it as UTF-8")
    }
    let content = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? bytes.dropFirst(3) : bytes
    if let text = String(validating: content, as: UTF8.self) { return text }
    // The first line that is not UTF-8 by itself: no character crosses the end of a line.
    let lines = content.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    let line = lines.firstIndex { String(validating: $0, as: UTF8.self) == nil } ?? 0
    throw ValueFault(
      message: "is not UTF-8 text: line \(line + 1)",
      hint: "save it as UTF-8; a path that is not UTF-8 is named by a link to it, or from within")
  }
}
