/// The uploads that are made of parts and not complete, and which of them the gateway has to look at. Has no I/O.
///
/// A final is *due* where something of its parts has changed, *busy* while it is looked at or its parts are being copied.
struct WaitingFinals {
  /// Those that are looked at, or copied to, at once without a client that waits for it.
  static let mostAtOnce = 4

  private var partsByFinal: [UploadKey: Set<UploadKey>] = [:]
  private var finalsByPart: [UploadKey: Set<UploadKey>] = [:]
  /// In the order in which they became so.
  private var due: [UploadKey] = []
  /// Could not be assembled for a reason that may pass.
  private var postponed: Set<UploadKey> = []
  private var busy: Set<UploadKey> = []
  private var busyForClients: Set<UploadKey> = []
  private(set) var isStopped = false

  /// - Parameter key: of a final.
  func has(_ key: UploadKey) -> Bool { partsByFinal[key] != nil }

  /// Whether a final still wants the part.
  func want(_ part: UploadKey) -> Bool { finalsByPart[part] != nil }

  /// Those whose parts may be being copied.
  var assembling: Set<UploadKey> { busy.union(busyForClients) }

  // MARK: Coming and going

  /// A final waits for its parts, or for its turn.
  mutating func add(_ key: UploadKey, of parts: [UploadKey]) {
    insert(key, of: parts)
    setDue(key)
  }

  /// A final is assembled for a client that waits for it.
  mutating func begin(_ key: UploadKey, of parts: [UploadKey]) {
    insert(key, of: parts)
    busyForClients.insert(key)
  }

  private mutating func insert(_ key: UploadKey, of parts: [UploadKey]) {
    let parts = Set(parts)
    partsByFinal[key] = parts
    for part in parts { finalsByPart[part, default: []].insert(key) }
  }

  /// It is complete, failed or dropped.
  mutating func remove(_ key: UploadKey) {
    for part in partsByFinal.removeValue(forKey: key) ?? [] {
      finalsByPart[part]?.remove(key)
      if finalsByPart[part]?.isEmpty == true { finalsByPart[part] = nil }
    }
    due.removeAll { $0 == key }
    postponed.remove(key)
    busyForClients.remove(key)
  }

  // MARK: What is to be looked at

  /// A part is full, or is there no more.
  ///
  /// - Returns: whether a final is due for it.
  mutating func changed(_ part: UploadKey) -> Bool {
    guard let finals = finalsByPart[part] else { return false }
    for key in finals where !busyForClients.contains(key) { setDue(key) }
    return true
  }

  /// Some time has passed.
  mutating func tryPostponedAgain() {
    for key in postponed { setDue(key) }
    postponed = []
  }

  /// Other gateways may have changed any of their parts.
  mutating func lookAtAll() {
    for key in partsByFinal.keys where !busyForClients.contains(key) { setDue(key) }
  }

  private mutating func setDue(_ key: UploadKey) {
    if !due.contains(key) { due.append(key) }
  }

  /// The next to be looked at now, of which ``looked(at:postponing:)`` is to be told; `nil` where there is none, or enough
  /// are busy.
  mutating func next() -> UploadKey? {
    guard !isStopped, busy.count < Self.mostAtOnce, let index = due.firstIndex(where: { !busy.contains($0) }) else {
      return nil
    }
    let key = due.remove(at: index)
    busy.insert(key)
    return key
  }

  /// It was looked at, and what followed from that is over.
  ///
  /// - Parameter isPostponed: whether it is to be tried again when some time has passed.
  mutating func looked(at key: UploadKey, postponing isPostponed: Bool) {
    busy.remove(key)
    if isPostponed, has(key) { postponed.insert(key) }
  }

  /// The gateway goes away: nothing more is begun.
  mutating func stop() { isStopped = true }
}
