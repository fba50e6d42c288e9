#if canImport(Glibc)
  import Glibc
#else
  import Musl
#endif

/// The files and sockets that this process may have open.
enum Descriptors {
  /// Raises the limit as far as is allowed, and tries whether there is room for so many more.
  ///
  /// - Returns: what is wrong.
  static func problem(toOpen wanted: Int) -> String? {
    var limit = rlimit()
    #if canImport(Glibc)
      let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    #else
      let resource = RLIMIT_NOFILE
    #endif
    guard getrlimit(resource, &limit) == 0 else { return nil }
    // A program that counts on select() must not get a higher number than it can name, but there is none here.
    if limit.rlim_cur < min(limit.rlim_max, 1024) {
      limit.rlim_cur = min(limit.rlim_max, 1024)
      _ = setrlimit(resource, &limit)
    }
    var opened: [CInt] = []
    defer { for descriptor in opened { close(descriptor) } }
    while opened.count < wanted {
      let descriptor = open("/dev/null", O_RDONLY | O_CLOEXEC)
      guard descriptor >= 0 else {
        let cause = errno
        guard cause == EMFILE else { return String(cString: strerror(cause)) }
        return "too few files may be open at once: \(limit.rlim_cur) are allowed. Raise the limit, as with ulimit -n 64"
      }
      opened.append(descriptor)
    }
    return nil
  }
}
