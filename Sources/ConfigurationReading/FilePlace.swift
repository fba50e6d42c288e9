import Glibc
import OperatingSystem

/// Files and folders that a configuration names.
package enum FilePlace {
  /// `path` as it is from anywhere: relative ones count from `base`.
  package static func absolute(_ path: String, from base: String) -> String {
    if path.hasPrefix("/") { return path }
    var rest = Substring(path)
    while rest.hasPrefix("./") { rest = rest.dropFirst(2) }
    if rest.isEmpty || rest == "." { return base }
    return base.hasSuffix("/") ? base + rest : base + "/" + rest
  }

  /// The folder that `path` is in.
  package static func parent(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }

  /// The one name of a place, whatever links and `..` lead there. What does not exist yet keeps its name.
  ///
  /// - Parameter path: absolute.
  package static func canonical(_ path: String) -> String {
    var existing = path
    var missing: [Substring] = []
    while existing != "/" {
      if let real = realPath(existing) { return missing.reduce(real, appending) }
      missing.insert(existing[existing.index(after: existing.lastIndex(of: "/") ?? existing.startIndex)...], at: 0)
      existing = parent(of: existing)
    }
    return missing.reduce("/", appending)
  }

  /// Whether `inner` is `outer` or lies in it. Both canonical.
  package static func contains(_ outer: String, _ inner: String) -> Bool {
    outer == "/" || inner == outer || inner.hasPrefix(outer + "/")
  }

  /// `folder` under a name that everybody can use. One that is not UTF-8 gets a name by a descriptor, which stays open
  /// to the end of the process.
  package static func usable(_ folder: String) -> String {
    guard FileName.hasStandIns(folder) else { return folder }
    let descriptor = FileName.withBytes(of: folder) { open($0, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
    return descriptor < 0 ? folder : "/proc/self/fd/\(descriptor)"
  }

  /// The current folder.
  package static var current: String { realPath(".") ?? "/" }

  /// What is wrong with a file that has to be read; `nil` where nothing is.
  package static func faultOfFile(_ path: String) -> ValueFault? {
    // Without O_NONBLOCK a FIFO would hold the start up for ever.
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else {
      let code = errno
      return ValueFault(
        message: "cannot read `\(path)`: \(word(for: code))",
        hint: code == EACCES
          ? "let the gateway's user read it, or name another file" : "create the file, or name another")
    }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      return ValueFault(message: "`\(path)` is not a file", hint: "name the file itself")
    }
    return nil
  }

  /// A path that a shell would make another of. Nobody does so here, and a folder named `~` is never what was meant.
  package static func faultOfShellWords(_ text: String) -> ValueFault? {
    if text.hasPrefix("~") {
      return ValueFault(
        message: "`\(text)` begins with `~`, which only a shell knows", hint: "write the path of the home folder out")
    }
    let variable = text.indices.first { index in
      guard text[index] == "$", let next = text[index...].dropFirst().first else { return false }
      return next == "{" || next == "_" || (next.isASCII && next.isLetter)
    }
    guard let variable else { return nil }
    let name = text[variable...].prefix { $0 != "/" }
    return ValueFault(
      message: "`\(text)` has `\(name)` in it, which only a shell knows", hint: "write the path out")
  }

  /// The place's own number, which is the same by all its names; `nil` where nothing is there.
  package static func identity(_ path: String) -> [UInt64]? {
    var status = stat()
    guard stat(path, &status) == 0 else { return nil }
    return [UInt64(status.st_dev), UInt64(status.st_ino)]
  }

  /// What is wrong with a folder that is written to, and created where it is missing; `nil` where nothing is.
  package static func faultOfFolder(_ path: String) -> ValueFault? {
    var existing = path
    var status = stat()
    while stat(existing, &status) != 0 {
      let code = errno
      if code == ENOENT, let target = target(ofLink: existing) {
        return ValueFault(
          message: "cannot use `\(path)`: `\(existing)` is a link to `\(target)`, which is not there",
          hint: "make what it leads to, remove the link, or name another folder")
      }
      guard code == ENOENT || code == ENOTDIR, existing != "/" else {
        return ValueFault(
          message: "cannot use `\(path)`: \(word(for: code)) (`\(existing)`)",
          hint: "let the gateway's user reach it, or name another folder")
      }
      existing = parent(of: existing)
    }
    guard status.st_mode & S_IFMT == S_IFDIR else {
      return ValueFault(
        message: "cannot use `\(path)`: `\(existing)` is not a folder", hint: "name a folder, or remove what is there")
    }
    for (right, verb) in [
      (W_OK | X_OK, existing == path ? "write to" : "create `\(path)` in"), (existing == path ? R_OK : F_OK, "read"),
    ] where access(existing, right) != 0 {
      return ValueFault(
        message: "cannot \(verb) `\(existing)`: \(word(for: errno))",
        hint: "give the folder to the gateway's user, or name another")
    }
    return nil
  }

  /// The system's words for an error.
  package static func word(for code: Int32) -> String {
    String(cString: strerror(code))
  }

  private static func target(ofLink path: String) -> String? {
    var target = [CChar](repeating: 0, count: Int(PATH_MAX))
    let count = readlink(path, &target, target.count)
    return count < 0 ? nil : FileName.shown(FileName.text(target[..<count].map(UInt8.init(bitPattern:))))
  }

  private static func realPath(_ path: String) -> String? {
    guard let resolved = FileName.withBytes(of: path, { realpath($0, nil) }) else { return nil }
    defer { free(resolved) }
    return FileName.text(UnsafeBufferPointer(start: resolved, count: strlen(resolved)).map(UInt8.init(bitPattern:)))
  }

  private static func appending(_ path: String, _ segment: Substring) -> String {
    switch segment {
    case "", ".": path
    case "..": parent(of: path)
    default: path == "/" ? "/" + segment : path + "/" + segment
    }
  }
}

extension ValueParser where Value == String {
  /// A file that has to be read, as its absolute path.
  package static var readableFile: ValueParser { path(FilePlace.faultOfFile) }

  /// A folder to write to, as its absolute path; it may be missing where it can be created.
  package static var writableFolder: ValueParser { path(FilePlace.faultOfFolder) }

  private static func path(_ check: @escaping (String) -> ValueFault?) -> ValueParser {
    ValueParser(expected: "a path") { text, reading throws(ValueFault) in
      let path = try reading.absolute(checking: text)
      if reading.checksFiles, let fault = check(path) { throw fault }
      return path
    }
  }
}
