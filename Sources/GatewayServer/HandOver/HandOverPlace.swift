import Glibc

/// The socket in the state folder at which a gateway can be taken over.
enum HandOverPlace {
  private static let name = "hand-over"

  /// Listens there, in place of whoever did before: who has the ledger has the place.
  ///
  /// - Returns: the socket; `nil` where there can be none, as on a file system that has none.
  static func listen(in state: String) -> CInt? {
    open(in: state) { socket, address, size in
      unlink(state + "/" + name)
      // Nobody but the gateway's user, also before the mode is set: the folder is its own.
      return bind(socket, address, size) == 0 && chmod(state + "/" + name, 0o600) == 0 && Glibc.listen(socket, 4) == 0
    }
  }

  /// Connects to the gateway that listens there; `nil` where none does.
  static func connect(in state: String) -> CInt? {
    open(in: state) { Glibc.connect($0, $1, $2) == 0 }
  }

  /// The name is taken away, so that nobody tries in vain.
  static func remove(in state: String) { unlink(state + "/" + name) }

  private static func open(
    in state: String, _ use: (CInt, UnsafePointer<sockaddr>, socklen_t) -> Bool
  ) -> CInt? {
    let folder = Glibc.open(state, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard folder >= 0 else { return nil }
    defer { close(folder) }
    let made = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
    guard made >= 0 else { return nil }
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    // An address has room for 107 bytes, and a path may be longer.
    let path = Array("/proc/self/fd/\(folder)/\(name)".utf8) + [0]
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path) }
    let isDone = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { use(made, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) }
    }
    guard isDone else {
      close(made)
      return nil
    }
    return made
  }
}
