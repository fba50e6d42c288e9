#if canImport(Glibc)
  import Glibc
#else
  import Musl
#endif

/// How many connections the process may have.
enum FileDescriptors {
  /// Files, event loops and their like.
  private static let others = 64

  /// Raises the process's own limit as far as it may.
  ///
  /// - Throws: ``LoadPlanError/descriptors(needed:allowed:)``.
  static func make(roomFor connections: Int) throws(LoadPlanError) {
    let needed = connections + others
    var limit = rlimit()
    guard getrlimit(kind, &limit) == 0 else { return }
    if limit.rlim_cur < rlim_t(needed) {
      limit.rlim_cur = min(limit.rlim_max, rlim_t(needed))
      setrlimit(kind, &limit)
      getrlimit(kind, &limit)
    }
    guard limit.rlim_cur >= rlim_t(needed) else {
      throw .descriptors(needed: needed, allowed: Int(clamping: limit.rlim_cur))
    }
  }

  #if canImport(Glibc)
    private static let kind = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
  #else
    private static let kind = RLIMIT_NOFILE
  #endif
}
