/// The bounds of each client of a route, by ``ClientIdentity/subject``. What is `nil` is bounded by the route alone.
package struct ClientLimits: Hashable, Sendable {
  /// What one client may hold on the route, unfinished reservations and complete uploads together, in bytes.
  package var held: Int64?
  /// The most uploads of one client at once that a connection is attached to.
  package var concurrent: Int?
  /// The most unfinished uploads of one client, attached or waiting to be resumed.
  package var unfinished: Int?
  /// What one client may upload in a time.
  package var window: WindowLimit?
  /// Bytes a second of all uploads of one client together.
  package var bandwidth: Int64?
  /// What the unfinished uploads of one client may hold of the room that others leave on the file system, whichever
  /// routes they are of: 1 to 100 percent.
  package var room: Int

  /// Where nobody says how much, in percent.
  package static let room = 25
  /// The most uploads that one client begins or goes on with in a second.
  package var begun: Int?

  /// All of it.
  package init(
    held: Int64? = nil, concurrent: Int? = nil, unfinished: Int? = nil, window: WindowLimit? = nil,
    bandwidth: Int64? = nil, room: Int = Self.room, begun: Int? = nil
  ) {
    self.held = held
    self.concurrent = concurrent
    self.unfinished = unfinished
    self.window = window
    self.bandwidth = bandwidth
    self.room = room
    self.begun = begun
  }
}

/// So many bytes in so long a time.
package struct WindowLimit: Hashable, Sendable {
  /// Of the uploads' own size, in bytes.
  package var bytes: Int64
  /// At least 1 ms. Windows follow each other without a gap, counted from 1970-01-01T00:00:00Z: `24h` is a day of UTC.
  package var every: Duration

  /// `bytes` in each `every`.
  package init(bytes: Int64, every: Duration) {
    self.bytes = bytes
    self.every = every
  }

  /// The quota of the window that `now` lies in.
  func quota(subject: String, now: WallTime) -> QuotaCap {
    let length = max(1, every.milliseconds)
    let (index, rest) = now.milliseconds.quotientAndRemainder(dividingBy: length)
    let start = (rest < 0 ? index - 1 : index) * length
    // 0 is the mark of a quota without a window; the first window of all is none that anybody lives in.
    return QuotaCap(subject: subject, window: start == 0 ? 1 : start, cap: bytes, length: length)
  }
}

/// What becomes of an upload of which the quotas do not leave all.
package enum QuotaPolicy: String, CaseIterable, Sendable {
  /// As much as they leave is offered.
  case partial
  /// It is refused. A stream of unknown length is refused where it gets longer than they leave.
  case refuse
}

extension Route {
  /// What an upload of the client at `now` counts against: the route first.
  func quotas(of identity: ClientIdentity, now: WallTime) -> [QuotaCap] { quotas(of: identity.subject, now: now) }

  /// The same, by what per-client limits count by.
  func quotas(of subject: String, now: WallTime) -> [QuotaCap] {
    var quotas = [QuotaCap(subject: "", window: 0, cap: limits.held)]
    if let window = limits.window { quotas.append(window.quota(subject: "", now: now)) }
    if let held = clientLimits.held { quotas.append(QuotaCap(subject: subject, window: 0, cap: held)) }
    if let window = clientLimits.window { quotas.append(window.quota(subject: subject, now: now)) }
    return quotas
  }

  /// The longest window, in milliseconds; 0 where there is none.
  var longestWindow: Int64 {
    [limits.window, clientLimits.window].compactMap { $0?.every.milliseconds }.max() ?? 0
  }
}
