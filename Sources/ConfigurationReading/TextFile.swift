package import Glibc

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
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
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
    guard let text = String(validating: bytes[..<filled], as: UTF8.self) else {
      throw ValueFault(message: "is not UTF-8 text", hint: "save it as plain UTF-8")
    }
    return text
  }
}
