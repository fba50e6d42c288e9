internal import CLinux
internal import Glibc

/// What the process has in memory stays there: keys and tokens are in it.
package enum PrivateMemory {
  /// No core dump is written, and no other process of the same user may look into this one.
  package static func begin() {
    var none = rlimit(rlim_cur: 0, rlim_max: 0)
    setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &none)
    _ = sluice_keep_memory_private()
  }
}
