/// What happened to an upload, for one who has to hear of it. It is recorded in the transaction that makes it true, and
/// stays in the ledger until it was delivered.
package struct Event: Hashable, Codable, Sendable {
  /// The same for all who hear of it, and at each delivery.
  package var id: String
  /// Who has to hear of it, by the configuration's name.
  package var target: String
  /// Of which upload.
  package var key: UploadKey
  /// What happened.
  package var kind: EventKind
  /// When.
  package var at: WallTime
  /// What is told, as it is told each time: JSON.
  package var body: String
  /// How often it was sent in vain.
  package var tries: Int
  /// When trying began, or began anew at an operator's word.
  package var since: WallTime

  /// An event that nobody has tried to deliver, unless something else is said.
  package init(
    id: String, target: String, key: UploadKey, kind: EventKind, at: WallTime, body: String, tries: Int = 0,
    since: WallTime? = nil
  ) {
    self.id = id
    self.target = target
    self.key = key
    self.kind = kind
    self.at = at
    self.body = body
    self.tries = tries
    self.since = since ?? at
  }

  /// The name of what can happen to an upload once: whoever records it again, as after a power cut, gives it the same.
  package static func id(of kind: EventKind, _ key: UploadKey) -> String { "\(key.logID)-\(kind.rawValue)" }
}

/// What can happen to an upload that others want to hear of. Each happens to it once at most; of ``completed``, ``failed``,
/// ``dropped`` and ``expired`` one alone.
package enum EventKind: String, CaseIterable, Codable, Sendable {
  /// It was offered for the first time.
  case begun
  /// It is whole, safe and in its place.
  case completed
  /// It can never be completed.
  case failed
  /// Its client gave it up, or what came of it cannot be kept.
  case dropped
  /// Nobody went on with it in time.
  case expired
  /// It was complete, and its client had it removed.
  case removed
}

/// Who has to hear of what becomes of uploads. Any thread may ask.
package protocol EventSource: Sendable {
  /// What the ledger has to record with a change of an upload: one event for each who wants to hear of it, mostly none. Who
  /// asks records them at once, or not at all.
  ///
  /// - Parameters:
  ///   - upload: as it is after the change.
  ///   - location: ``SinkResult/location``, where it is known.
  func events(of kind: EventKind, _ upload: UploadRecord, location: String?, at now: WallTime) -> [Event]
}
