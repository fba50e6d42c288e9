import ConfigurationReading
import Glibc
import NIOCore

/// Whether an address can be listened on. It is bound and let go at once; nobody is accepted.
enum AddressProbe {
  enum Outcome: Equatable {
    case free
    /// Somebody listens there at this moment.
    case inUse
    case impossible(cause: String, hint: String)
  }

  /// - Parameter all: what else is listened on: where there are both of IPv4 and IPv6, one for all addresses of IPv6 is not
  ///   also for those of IPv4.
  static func look(at listener: Listener, besides all: [Listener] = []) -> Outcome {
    switch listener.place {
    case .address(let address): look(at: address, isIPv6Only: listener.isIPv6Only(besides: all))
    case .unix(let path): look(atSocket: path)
    case .systemd(let name):
      switch SystemdSockets.find(name) {
      case .success: .free
      // `check` is run by hand, where systemd has nothing to do with it.
      case .failure where SystemdSockets.all.isEmpty && getenv("NOTIFY_SOCKET") == nil: .free
      case .failure(let failure): .impossible(cause: failure.words, hint: "start the gateway by its socket unit")
      }
    }
  }

  /// Whether somebody answers at a socket's path, or it can be made.
  private static func look(atSocket path: String) -> Outcome {
    var status = stat()
    if lstat(path, &status) == 0 {
      guard status.st_mode & S_IFMT == S_IFSOCK else {
        return .impossible(cause: "there is a file that is no socket", hint: "remove it, or name another path")
      }
      guard let address = try? SocketAddress(unixDomainSocketPath: path) else { return .free }
      let socket = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
      guard socket >= 0 else { return .free }
      defer { close(socket) }
      // One that nobody has any more is replaced at the start.
      return address.withSockAddr { connect(socket, $0, socklen_t($1)) } == 0 ? .inUse : .free
    }
    let folder = FilePlace.parent(of: path)
    guard access(folder, W_OK) == 0 else {
      return .impossible(
        cause: "`\(folder)`: \(FilePlace.word(for: errno))",
        hint: "make the folder, and let the gateway's user write to it")
    }
    return .free
  }

  private static func look(at address: ListenAddress, isIPv6Only: Bool) -> Outcome {
    var hints = addrinfo()
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    hints.ai_protocol = Int32(IPPROTO_TCP)
    var found: UnsafeMutablePointer<addrinfo>?
    let code = getaddrinfo(address.host, "\(address.port)", &hints, &found)
    guard code == 0, let first = found else {
      return .impossible(
        cause: "`\(address.host)` cannot be resolved (\(String(cString: gai_strerror(code))))",
        hint: "write an address of this machine, or `0.0.0.0:\(address.port)` for all of them")
    }
    defer { freeaddrinfo(found) }
    let socket = socket(first.pointee.ai_family, first.pointee.ai_socktype | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard socket >= 0 else { return outcome(errno, address) }
    defer { close(socket) }
    var isOn: CInt = 1
    setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &isOn, socklen_t(MemoryLayout<CInt>.size))
    if isIPv6Only { setsockopt(socket, Int32(IPPROTO_IPV6), IPV6_V6ONLY, &isOn, socklen_t(MemoryLayout<CInt>.size)) }
    guard bind(socket, first.pointee.ai_addr, first.pointee.ai_addrlen) == 0 else { return outcome(errno, address) }
    return .free
  }

  static func outcome(_ code: CInt, _ address: ListenAddress) -> Outcome {
    let word = FilePlace.word(for: code)
    switch code {
    case EADDRINUSE: return .inUse
    case EACCES where address.port < 1024:
      return .impossible(
        cause: "\(word): this user may not listen on ports below 1024",
        hint: "write a port from 1024 on, or give the gateway CAP_NET_BIND_SERVICE (`AmbientCapabilities=` of systemd)")
    case EADDRNOTAVAIL:
      return .impossible(
        cause: "\(word): no interface of this machine has it",
        hint: "write an address of this machine, or `0.0.0.0:\(address.port)` for all of them")
    default: return .impossible(cause: word, hint: "name another address in `listen`")
    }
  }
}

extension Listener {
  /// Whether it is for IPv6 alone: an address of that kind, where another one of the same port is of IPv4.
  func isIPv6Only(besides all: [Listener]) -> Bool {
    guard case .address(let own) = place, own.host.contains(":") else { return false }
    return all.contains { listener in
      guard case .address(let other) = listener.place else { return false }
      return !other.host.contains(":") && other.port == own.port
    }
  }
}

extension Findings {
  /// What is said of a place that somebody else has.
  static func inUse(
    _ severity: ConfigurationFault.Severity, _ listener: Listener, _ configuration: Configuration, at place: Place?
  ) -> ConfigurationFault {
    ConfigurationFault(
      severity, configuration.origin, "`listen`: \(listener) is in use (\(FilePlace.word(for: EADDRINUSE)))",
      hint: severity == .warning
        ? "if that is this gateway itself, all is well; else stop what listens there, or name another address"
        : "stop what listens there, or name another address", at: place)
  }
}
