internal import COpenSSL

/// OpenSSL's error queue. It belongs to the thread, so whoever left something in it earlier would be blamed on
/// the next call: clear it before each call whose error is read.
enum OpenSSLErrors {
  /// Drops what is in the thread's queue.
  static func clear() {
    ERR_clear_error()
  }

  /// The reasons in the thread's queue, the root cause first, in one line. Empties the queue.
  static func take() -> String {
    var reasons: [String] = []
    while true {
      let code = ERR_get_error()
      guard code != 0 else { break }
      let reason = text(of: code)
      if !reasons.contains(reason), reasons.count < 3 { reasons.append(reason) }
    }
    return reasons.isEmpty ? "no reason given" : reasons.joined(separator: "; ")
  }

  /// Whether the most recent error in the queue is this one.
  static func lastIs(library: CInt, reason: CInt) -> Bool {
    let code = ERR_peek_last_error()
    return code != 0 && shim_ERR_GET_LIB(code) == library && shim_ERR_GET_REASON(code) == reason
  }

  private static func text(of code: UInt) -> String {
    if let reason = ERR_reason_error_string(code) { return String(cString: reason) }
    // Errors of the system have no reason string of OpenSSL's own, only a number.
    var line = [CChar](repeating: 0, count: 256)
    ERR_error_string_n(code, &line, line.count)
    return line.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? "error \(code)" }
  }
}
