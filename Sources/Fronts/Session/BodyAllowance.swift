import NIOCore

/// The time that a client has left for its body. It runs only while nothing but the client keeps bytes from coming: what the
/// gateway makes it wait for (a slow store, its share of bandwidth, a backend) costs it nothing.
///
/// Each byte of ``MinimumProgress`` buys the time in which it may be the only one. Time is saved up for no longer than a
/// client may be silent, and a body begins with all of that: whoever was fast may pause, and whoever drips lives off what it
/// began with. Apache's `mod_reqtimeout` (`MinRate`) reckons the same way. A line that is just fast enough has its bytes come
/// by the TLS record, 16 KiB after 7.5 s of nothing: neither that nor a lost segment's second try brings it near the end.
struct BodyAllowance {
  /// What the client has used up.
  enum Exhausted: Equatable {
    case progress
    case time
  }

  private let progress: MinimumProgress?
  private let most: TimeAmount
  private let whole: TimeAmount?
  /// Nanoseconds that one byte buys.
  private let worth: Double
  /// As of `runsSince`, or of the last pause.
  private var left: TimeAmount
  private var leftOfWhole: TimeAmount
  private var runsSince: NIODeadline?

  init(_ timeouts: FrontTimeouts) {
    progress = timeouts.progress
    most = max(timeouts.silence, timeouts.progress?.every ?? .zero)
    whole = timeouts.upload
    worth = timeouts.progress.map { Double($0.every.nanoseconds) / Double($0.bytes) } ?? 0
    left = most
    leftOfWhole = whole ?? .zero
  }

  /// Another body: what the one before took counts no more.
  mutating func beginBody(now: NIODeadline) {
    left = most
    leftOfWhole = whole ?? .zero
    if runsSince != nil { runsSince = now }
  }

  /// The client is the one to go on, or is so no more.
  mutating func run(_ runs: Bool, now: NIODeadline) {
    guard runs != (runsSince != nil) else { return }
    settle(now)
    runsSince = runs ? now : nil
  }

  /// Bytes of the body have come.
  mutating func received(_ count: Int, now: NIODeadline) {
    guard progress != nil else { return }
    settle(now)
    let bought = min(Double(count) * worth, Double(most.nanoseconds))
    left = min(most, left + .nanoseconds(Int64(bought)))
  }

  /// When the client has used up what it has; `nil` where nothing bounds it, or where it is not the one to go on.
  var end: (deadline: NIODeadline, of: Exhausted)? {
    guard let runsSince else { return nil }
    let progressEnd = progress == nil ? nil : runsSince + left
    let timeEnd = whole == nil ? nil : runsSince + leftOfWhole
    switch (progressEnd, timeEnd) {
    case (nil, nil): return nil
    case (let deadline?, nil): return (deadline, .progress)
    case (nil, let deadline?): return (deadline, .time)
    case (let first?, let second?): return first <= second ? (first, .progress) : (second, .time)
    }
  }

  private mutating func settle(_ now: NIODeadline) {
    guard let since = runsSince else { return }
    let passed = now - since
    left = left - passed
    leftOfWhole = leftOfWhole - passed
    runsSince = now
  }
}
