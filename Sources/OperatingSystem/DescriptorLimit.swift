#if canImport(Glibc)
  import Glibc
#else
  import Musl
#endif

/// How many file descriptors the process may have: files, sockets, event loops.
package enum DescriptorLimit {
  /// What an event loop of NIO takes: epoll, an event and a timer.
  package static let ofEventLoop = 3

  /// The process's own limit (the soft one).
  package static var current: Int {
    var limit = rlimit()
    guard getrlimit(kind, &limit) == 0 else { return 1024 }
    return Int(clamping: limit.rlim_cur)
  }

  /// Raises the process's own limit as far as it may be raised.
  ///
  /// - Returns: the limit from then on.
  @discardableResult
  package static func raise() -> Int {
    var limit = rlimit()
    guard getrlimit(kind, &limit) == 0, limit.rlim_cur < limit.rlim_max else { return current }
    limit.rlim_cur = limit.rlim_max
    // The kernel has a limit of its own (fs.nr_open), which the superuser's may be above.
    if setrlimit(kind, &limit) != 0 {
      limit.rlim_cur = min(limit.rlim_max, 1 << 20)
      setrlimit(kind, &limit)
    }
    return current
  }

  /// Whether there can be so many more at this moment. NIO ends the process where there are none for an event loop.
  package static func hasRoom(for count: Int) -> Bool {
    var taken: [CInt] = []
    defer { taken.forEach { close($0) } }
    while taken.count < count {
      let descriptor = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0)
      guard descriptor >= 0 else { return false }
      taken.append(descriptor)
    }
    return true
  }

  /// How many are open, as far as the system tells.
  package static var inUse: Int {
    guard let folder = opendir("/proc/self/fd") else { return 3 }
    defer { closedir(folder) }
    // Without "." and "..", and the folder's own.
    var count = -3
    while readdir(folder) != nil { count += 1 }
    return max(0, count)
  }

  #if canImport(Glibc)
    private static let kind = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
  #else
    private static let kind = RLIMIT_NOFILE
  #endif
}
