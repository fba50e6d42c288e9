package import GatewayCore

#if canImport(Glibc)
  import Glibc
#else
  import Musl
#endif

extension WallTime {
  /// The system's calendar now.
  package static func now() -> WallTime {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return WallTime(milliseconds: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
  }
}
