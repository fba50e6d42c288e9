import ArgumentParser
import FoundationEssentials

#if canImport(Glibc)
  import Glibc
#else
  import Musl
#endif

/// Where the result of a run goes. It is tried before the run, which may take hours.
///
/// A plain file is replaced as a whole, so that nobody sees half of a result, and the earlier one is there until the
/// new one is. Everything else (a device, a pipe, what another program has open) is written to and never replaced.
struct ResultPlace {
  private enum Way {
    /// A plain file, or one that is not there yet; links have been followed.
    case replace(String)
    /// An open descriptor.
    case write(CInt)
  }

  /// As on the command line.
  let name: String
  private let way: Way

  /// Whether the result goes to standard output.
  let isStandardOutput: Bool

  /// - Throws: ``ResultPlaceError``.
  init(_ name: String) throws(ResultPlaceError) {
    self.name = name
    guard name != "-" else {
      (way, isStandardOutput) = (.write(STDOUT_FILENO), true)
      return
    }
    guard !name.isEmpty else { throw ResultPlaceError("\"\"", ENOENT) }
    let path = try Self.following(name)
    if let descriptor = Self.descriptor(path) {
      let mode = fcntl(descriptor, F_GETFL)
      guard mode >= 0, mode & O_ACCMODE != O_RDONLY else { throw ResultPlaceError(name, "it is not open for writing") }
      (way, isStandardOutput) = (.write(descriptor), descriptor == STDOUT_FILENO)
      return
    }
    isStandardOutput = false
    var status = stat()
    if stat(path, &status) != 0 {
      guard errno == ENOENT else { throw ResultPlaceError(name, errno) }
      try Self.tryFolder(of: path, name)
      way = .replace(path)
      return
    }
    switch status.st_mode & S_IFMT {
    case S_IFREG:
      guard access(path, W_OK) == 0 else { throw ResultPlaceError(name, errno) }
      if status.st_nlink == 1, Self.folderTakesFiles(path), status.st_uid == geteuid() || geteuid() == 0 {
        way = .replace(path)
      } else {
        // Its other names, and its owner, would be lost.
        way = .write(try Self.opened(path, name, O_CLOEXEC))
      }
    case S_IFDIR: throw ResultPlaceError(name, EISDIR)
    default: way = .write(try Self.opened(path, name, O_CLOEXEC | O_NOCTTY))
    }
  }

  /// Whether both are the same file.
  func isSame(as other: ResultPlace) -> Bool {
    switch (way, other.way) {
    case (.replace(let path), .replace(let otherPath)): path == otherPath
    case (.write(let descriptor), .write(let otherDescriptor)): descriptor == otherDescriptor
    default: false
    }
  }

  /// Writes the result.
  ///
  /// - Throws: ``ResultPlaceError``.
  func write(_ text: String) throws(ResultPlaceError) {
    switch way {
    case .write(let descriptor):
      var status = stat()
      // A file that was there, whose names or owner are kept.
      if descriptor > STDERR_FILENO, fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG, !isShared {
        guard ftruncate(descriptor, 0) == 0 else { throw ResultPlaceError(name, errno) }
      }
      if let problem = Console.write(text, to: descriptor) { throw ResultPlaceError(name, problem) }
    case .replace(let path): try replace(path, text)
    }
  }

  /// Whether it is a descriptor that was open before this program.
  private var isShared: Bool {
    (try? Self.following(name)).flatMap(Self.descriptor) != nil
  }

  private func replace(_ path: String, _ text: String) throws(ResultPlaceError) {
    let new = path + ".\(getpid()).new"
    let file = open(new, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
    guard file >= 0 else { throw ResultPlaceError(name, errno) }
    var old = stat()
    if stat(path, &old) == 0 {
      fchmod(file, old.st_mode & 0o7777)
      if old.st_uid != geteuid() || old.st_gid != getegid() { _ = fchown(file, old.st_uid, old.st_gid) }
    }
    var problem = Console.write(text, to: file)
    if close(file) != 0, problem == nil { problem = errno }
    if problem == nil, rename(new, path) != 0 { problem = errno }
    guard let problem else { return }
    unlink(new)
    throw ResultPlaceError(name, problem)
  }

  /// The path that the links lead to; where one leads to an open descriptor, that.
  private static func following(_ name: String) throws(ResultPlaceError) -> String {
    var path = name
    for _ in 0..<40 {
      if descriptor(path) != nil { return path }
      var target = [CChar](repeating: 0, count: Int(PATH_MAX))
      let count = readlink(path, &target, target.count - 1)
      guard count >= 0 else { return path }
      let next = String(decoding: target[..<count].map(UInt8.init(bitPattern:)), as: UTF8.self)
      let folder = path.lastIndex(of: "/").map { path[...$0] } ?? ""
      path = next.hasPrefix("/") ? next : folder + next
    }
    throw ResultPlaceError(name, ELOOP)
  }

  /// What `/dev/fd/N` and its like stand for: opened anew, it would have a place of its own in the file.
  private static func descriptor(_ path: String) -> CInt? {
    for folder in ["/dev/fd/", "/proc/self/fd/", "/proc/\(getpid())/fd/"] where path.hasPrefix(folder) {
      return CInt(path.dropFirst(folder.count))
    }
    return nil
  }

  private static func opened(_ path: String, _ name: String, _ flags: CInt) throws(ResultPlaceError) -> CInt {
    // Nobody may be reading a pipe yet, and perhaps nobody ever will.
    for attempt in 0..<20 {
      let descriptor = open(path, O_WRONLY | O_NONBLOCK | flags)
      if descriptor >= 0 {
        _ = fcntl(descriptor, F_SETFL, O_WRONLY)
        return descriptor
      }
      guard errno == ENXIO else { throw ResultPlaceError(name, errno) }
      if attempt == 0 { Console.error("sluice: \(name): waiting for somebody who reads it") }
      usleep(100_000)
    }
    throw ResultPlaceError(name, "nobody reads it")
  }

  private static func tryFolder(of path: String, _ name: String) throws(ResultPlaceError) {
    guard !folderTakesFiles(path) else { return }
    throw ResultPlaceError(name, errno)
  }

  /// Whether a file can be made beside it; if not, `errno` says why.
  private static func folderTakesFiles(_ path: String) -> Bool {
    let new = path + ".\(getpid()).new"
    let file = open(new, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard file >= 0 else { return false }
    close(file)
    unlink(new)
    return true
  }
}

/// A result cannot be written.
struct ResultPlaceError: Error, CustomStringConvertible {
  let description: String

  init(_ name: String, _ cause: String) {
    description = "\(name): the result cannot be written: \(cause)"
  }

  init(_ name: String, _ code: CInt) {
    self.init(name, String(cString: strerror(code)))
  }
}
