#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// A file, open for reading.
final class OpenFile: Sendable {
  let path: LocalPath
  let descriptor: CInt
  /// Whether its size is what it has. Pipes and devices have none, and what a file system makes up as it is read
  /// (`/proc`, `/sys`) says 0 or a number that is wrong.
  let hasSize: Bool
  /// As the file was when it was opened.
  let stamp: FileStamp

  /// - Throws: ``FeedError/unreadable(path:cause:)`` or ``FeedError/directory(path:)``.
  init(_ path: LocalPath) throws(FeedError) {
    // Without O_NONBLOCK the open of a named pipe would wait for a writer.
    let descriptor = path.withCString { open($0, O_RDONLY | O_CLOEXEC | O_NONBLOCK) }
    guard descriptor >= 0 else { throw .unreadable(path: path, cause: String(cString: strerror(errno))) }
    let (stamp, hasSize): (FileStamp, Bool)
    do throws(FeedError) {
      (stamp, hasSize) = try Self.look(at: descriptor, path)
    } catch {
      close(descriptor)
      throw error
    }
    (self.path, self.descriptor, self.stamp, self.hasSize) = (path, descriptor, stamp, hasSize)
  }

  deinit {
    close(descriptor)
  }

  func identity() throws(FeedError) -> FileIdentity {
    FileIdentity(path: path.resolved, stamp: stamp)
  }

  func currentStamp() throws(FeedError) -> FileStamp {
    FileStamp(try Self.status(of: descriptor, path))
  }

  /// Fills the memory from the offset on.
  ///
  /// - Returns: fewer bytes than there is room for at the file's end only.
  func read(into memory: UnsafeMutableRawBufferPointer, at offset: Int64) throws(FeedError) -> Int {
    var filled = 0
    while filled < memory.count, let start = memory.baseAddress {
      let count = pread(descriptor, start + filled, memory.count - filled, off_t(offset) + off_t(filled))
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw .unreadable(path: path, cause: String(cString: strerror(errno))) }
      if count == 0 { break }
      filled += count
    }
    return filled
  }

  /// Tells the kernel that the file is read from the offset to its end.
  func adviseSequential(from offset: Int64) {
    #if canImport(Darwin)
      _ = fcntl(descriptor, F_RDAHEAD, 1)
    #else
      _ = posix_fadvise(descriptor, off_t(offset), 0, POSIX_FADV_SEQUENTIAL)
    #endif
  }

  private static func look(at descriptor: CInt, _ path: LocalPath) throws(FeedError) -> (FileStamp, Bool) {
    while true {
      let status = try status(of: descriptor, path)
      let stamp = FileStamp(status)
      switch status.st_mode & S_IFMT {
      case S_IFREG: break
      case S_IFDIR: throw .directory(path: path)
      default: return (stamp, false)
      }
      // There is a last byte, and none behind it.
      let isEnd = answers(descriptor, at: stamp.size) == 0
      let isLong = stamp.size == 0 || answers(descriptor, at: stamp.size - 1) != 0
      if isEnd, isLong { return (stamp, true) }
      // Somebody may be writing to it just now.
      if FileStamp(try Self.status(of: descriptor, path)).size == stamp.size { return (stamp, false) }
    }
  }

  /// - Returns: what a read of one byte returns: 1, 0 at the end, -1 after an error.
  private static func answers(_ descriptor: CInt, at offset: Int64) -> Int {
    var byte: UInt8 = 0
    while true {
      let count = pread(descriptor, &byte, 1, off_t(offset))
      if count >= 0 || errno != EINTR { return count }
    }
  }

  private static func status(of descriptor: CInt, _ path: LocalPath) throws(FeedError) -> stat {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else {
      throw .unreadable(path: path, cause: String(cString: strerror(errno)))
    }
    return status
  }
}
