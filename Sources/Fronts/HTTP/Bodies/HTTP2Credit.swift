/// What a client may send until it is given more: one window of HTTP/2 (RFC 9113, section 5.2).
struct HTTP2Credit {
  /// What the client may have sent and not been given anew, in bytes.
  var limit: Int
  /// Sent, and not given anew.
  private(set) var used = 0
  /// Of these, what has been taken, and may be given anew.
  private var free = 0

  init(_ limit: Int) { self.limit = limit }

  /// - Returns: whether the client was allowed to.
  mutating func use(_ count: Int) -> Bool {
    used += count
    return used <= limit
  }

  /// - Returns: how much is to be given anew now; 0 where it is not worth a frame yet.
  mutating func take(_ count: Int) -> Int {
    free += count
    // A client far away has to hear of it while it still has most of its window.
    guard free >= limit / 8 else { return 0 }
    defer {
      used -= free
      free = 0
    }
    return free
  }
}
