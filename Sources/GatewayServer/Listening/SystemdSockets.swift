import Glibc

/// The sockets that systemd, or who does as it does, has opened for this process (sd_listen_fds(3)).
enum SystemdSockets {
  /// One of them.
  struct Socket {
    let descriptor: CInt
    /// `FileDescriptorName=` of its unit; by default the unit's own name.
    let name: String
  }

  private static let first: CInt = 3

  /// All that there are, as the environment says; none where that is another process's.
  static let all: [Socket] = {
    func variable(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }
    guard variable("LISTEN_PID").flatMap({ Int32($0) }) == getpid(), let text = variable("LISTEN_FDS"),
      let count = CInt(text), (1...1024).contains(count)
    else { return [] }
    let names = (variable("LISTEN_FDNAMES") ?? "").split(separator: ":", omittingEmptySubsequences: false)
    return (0..<count).map { index in
      let descriptor = first + index
      // Not for programs that this one starts.
      _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
      let name = Int(index) < names.count ? String(names[Int(index)]) : "unknown"
      return Socket(descriptor: descriptor, name: name)
    }
  }()

  /// - Parameter name: `nil` for all.
  /// - Returns: an error's words where there is none, or one that nobody can connect to.
  static func find(_ name: String?) -> Result<[Socket], NoSocket> {
    let found = all.filter { name == nil || $0.name == name }
    guard !found.isEmpty else {
      let names =
        all.isEmpty ? "it has opened none" : "it has opened \(all.map { "`\($0.name)`" }.joined(separator: ", "))"
      return .failure(NoSocket(words: "systemd has opened no such socket: \(names)"))
    }
    if let closed = found.first(where: { !isListening($0.descriptor) }) {
      return .failure(NoSocket(words: "systemd's socket `\(closed.name)` is none that accepts connections"))
    }
    return .success(found)
  }

  struct NoSocket: Error {
    let words: String
  }

  private static func isListening(_ descriptor: CInt) -> Bool {
    func option(_ name: CInt) -> CInt? {
      var value: CInt = 0
      var size = socklen_t(MemoryLayout<CInt>.size)
      return getsockopt(descriptor, SOL_SOCKET, name, &value, &size) == 0 ? value : nil
    }
    return option(SO_TYPE) == CInt(SOCK_STREAM.rawValue) && option(SO_ACCEPTCONN) == 1
  }
}
