import ConfigurationReading
import Glibc

/// Whether an address can be listened on. It is bound and let go at once; nobody is accepted.
enum AddressProbe {
  enum Outcome: Equatable {
    case free
    /// Somebody listens there at this moment.
    case inUse
    case impossible(cause: String, hint: String)
  }

  static func look(at address: ListenAddress) -> Outcome {
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

extension Findings {
  /// What is said of an address that somebody else has.
  static func inUse(_ severity: ConfigurationFault.Severity, _ configuration: Configuration) -> ConfigurationFault {
    ConfigurationFault(
      severity, configuration.origin,
      "`listen`: \(configuration.listen) is in use (\(FilePlace.word(for: EADDRINUSE)))",
      hint: severity == .warning
        ? "if that is this gateway itself, all is well; else stop what listens there, or name another address"
        : "stop what listens there, or name another address", at: configuration.origin.listen)
  }
}
