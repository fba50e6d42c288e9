#if canImport(Glibc)
  import Glibc
#else
  import Musl
#endif

/// Tells the service manager how this process does, as sd_notify(3) describes it: a datagram to the socket that
/// `NOTIFY_SOCKET` names. Without one nothing is told.
package enum ServiceNotification {
  /// - Parameter words: lines such as `READY=1`.
  package static func tell(_ words: [String]) {
    guard let name = getenv("NOTIFY_SOCKET").map({ String(cString: $0) }), let first = name.utf8.first,
      first == UInt8(ascii: "/") || first == UInt8(ascii: "@")
    else { return }
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    // An abstract name begins with a NUL, which the environment cannot have.
    let path: [UInt8] = first == UInt8(ascii: "@") ? [0] + name.utf8.dropFirst() : Array(name.utf8)
    guard path.count < MemoryLayout.size(ofValue: address.sun_path) else { return }
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path) }
    let size = MemoryLayout<sockaddr_un>.offset(of: \.sun_path).map { $0 + path.count } ?? 0
    let socket = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard socket >= 0 else { return }
    defer { close(socket) }
    let message = Array(words.joined(separator: "\n").utf8)
    // Nobody who could be told of a failure.
    _ = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        sendto(socket, message, message.count, Int32(MSG_NOSIGNAL), $0, socklen_t(size))
      }
    }
  }

  /// How often the manager wants to hear `WATCHDOG=1` at least (sd_watchdog_enabled(3)); `nil` where it does not.
  package static var watchdogInterval: Duration? {
    func number(_ name: String) -> Int64? { getenv(name).flatMap { Int64(String(cString: $0)) } }
    guard let microseconds = number("WATCHDOG_USEC"), microseconds > 0 else { return nil }
    if let process = number("WATCHDOG_PID"), process != Int64(getpid()) { return nil }
    return .microseconds(microseconds)
  }

  /// In microseconds since the machine began, as `MONOTONIC_USEC` wants it.
  package static var monotonicMicroseconds: Int64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000
  }
}
