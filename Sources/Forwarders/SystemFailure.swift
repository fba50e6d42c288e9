internal import GatewayCore
internal import Glibc

extension SinkFailure {
  /// A system call that failed with `code`: what was tried, on what, the system's own message, and what to do.
  static func system(_ attempt: String, _ subject: String, _ code: CInt, advice: String? = nil) -> SinkFailure {
    if code == ENOSPC || code == EDQUOT { return .full }
    let reason = "\(attempt) \(subject): \(String(cString: strerror(code)))"
    return .storage(advice.map { "\(reason); \($0)" } ?? reason)
  }
}

/// Repeats a system call for as long as a signal interrupts it.
func uninterrupted<Value: FixedWidthInteger & SignedInteger>(_ call: () -> Value) -> Value {
  while true {
    let value = call()
    if value != -1 || errno != EINTR { return value }
  }
}
