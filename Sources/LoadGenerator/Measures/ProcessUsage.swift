#if canImport(Glibc)
  import Glibc
#else
  import Musl
#endif

/// What the process has used of the machine.
struct ProcessUsage: Sendable {
  var userSeconds: Double
  var systemSeconds: Double
  /// The most memory that was ever resident, in bytes.
  var peakMemory: Int64

  static func now() -> ProcessUsage {
    var usage = rusage()
    #if canImport(Glibc)
      getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    #else
      getrusage(RUSAGE_SELF, &usage)
    #endif
    // Linux counts in KiB.
    return ProcessUsage(
      userSeconds: usage.ru_utime.seconds, systemSeconds: usage.ru_stime.seconds,
      peakMemory: Int64(usage.ru_maxrss) * 1024)
  }

  var cpuSeconds: Double { userSeconds + systemSeconds }

  /// What came after an earlier moment; the memory is that of the whole life.
  func since(_ earlier: ProcessUsage) -> ProcessUsage {
    ProcessUsage(
      userSeconds: userSeconds - earlier.userSeconds, systemSeconds: systemSeconds - earlier.systemSeconds,
      peakMemory: peakMemory)
  }
}

extension timeval {
  fileprivate var seconds: Double { Double(tv_sec) + Double(tv_usec) / 1e6 }
}
