import Glibc

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

  /// What is wrong with a folder that is written to, and created where it is missing; `nil` where nothing is.
  package static func faultOfFolder(_ path: String) -> ValueFault? {
    var existing = path
    var status = stat()
    while stat(existing, &status) != 0 {
      let code = errno
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
    guard access(existing, W_OK | X_OK) == 0 else {
      let verb = existing == path ? "write to" : "create `\(path)` in"
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

  private static func realPath(_ path: String) -> String? {
    guard let resolved = realpath(path, nil) else { return nil }
    defer { free(resolved) }
    return String(cString: resolved)
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
