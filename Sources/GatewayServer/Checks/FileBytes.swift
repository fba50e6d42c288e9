import Glibc
import OperatingSystem

/// Reads a file from its beginning to its end, on a thread that may wait.
struct FileBytes {
  /// In bytes.
  let size: Int
  private let descriptor: CInt

  init(_ path: String) throws(TimedSocket.Failure) {
    descriptor = FileName.withBytes(of: path) { open($0, O_RDONLY | O_CLOEXEC | O_NOFOLLOW) }
    var status = stat()
    guard descriptor >= 0, fstat(descriptor, &status) == 0 else {
      throw TimedSocket.Failure(reason: "the file cannot be opened: \(String(cString: strerror(errno)))")
    }
    size = Int(status.st_size)
  }

  func close() { _ = Glibc.close(descriptor) }

  /// The next bytes; `nil` at the end.
  func next() throws(TimedSocket.Failure) -> ArraySlice<UInt8>? {
    var bytes = [UInt8](repeating: 0, count: 256 << 10)
    while true {
      let count = read(descriptor, &bytes, bytes.count)
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else {
        throw TimedSocket.Failure(reason: "the file cannot be read: \(String(cString: strerror(errno)))")
      }
      return count == 0 ? nil : bytes[..<count]
    }
  }
}
