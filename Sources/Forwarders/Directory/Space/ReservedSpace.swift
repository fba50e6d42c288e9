internal import GatewayCore

/// For whom how much of a file system's free space is reserved, and how much may be reserved for anybody. Has no I/O.
///
/// A reservation is exact: its bytes are nobody else's until they are on the disk, or the disk has set the space aside for
/// them; then the file system's own count has them. While both count them, less is reserved for others than could be,
/// never more. Only connected uploads have reservations.
///
/// What a client's unfinished uploads hold, there or gone, is within its share: what is reserved for them, and what has
/// arrived of them. The last of the space is given out in small pieces alone. So nobody who announces much, or brings much and
/// never ends, keeps others out.
struct ReservedSpace {
  private struct Reservation {
    let subject: String
    /// Bytes that the file system knows nothing of.
    var outstanding: Int64
    /// Bytes that are set aside in the file, beyond those that were written.
    var setAside: Int64 = 0
    /// All that is promised, in bytes.
    var promised: Int64 { outstanding + setAside }
  }

  /// What has arrived of an unfinished upload, in bytes.
  private struct Arrival {
    var subject: String
    var bytes: Int64
  }

  /// Whoever asks for no more is given it as long as there is any, in bytes.
  static let little: Int64 = 64 << 10
  /// No more is ever reserved for one: sums of many stay far from overflowing.
  private static let largest: Int64 = 1 << 48

  private var reservations: [UploadKey: Reservation] = [:]
  private var arrivals: [UploadKey: Arrival] = [:]
  /// What is promised to each client, and what has arrived of its unfinished uploads, in bytes.
  private var held: [String: Int64] = [:]
  /// Of all reservations together.
  private(set) var outstanding: Int64 = 0
  /// Reserved bytes that have reached the disk so far: a reading of its free space from before knows nothing of them.
  private(set) var arrived: Int64 = 0

  /// Decides what an upload may be offered, and reserves that in place of what was reserved for it before, or on top of it.
  ///
  /// All it wants, where that is within its client's share: a part of what others leave, less what the client's own hold.
  /// Else half of what is left of the share, or nothing where a part will not do. The last 32nd of the space is given out
  /// in little pieces alone.
  ///
  /// - Parameter free: bytes that may be reserved in all.
  mutating func reserve(_ request: SpaceRequest, free: Int64) -> Result<Int64, SpaceShortage> {
    if !request.isGrowth { release(request.key) }
    give(request.key, to: request.subject)
    let own = held[request.subject, default: 0]
    let left = max(0, free - outstanding)
    let open = max(min(left, Self.little), free - free / 32 - outstanding)
    let share = max(0, Self.part(request.share, of: left.addingClamped(own)) - own)
    let most = min(open, share)
    let wanted = min(max(request.bytes, 0), Self.largest)
    let granted: Int64
    if wanted <= most {
      granted = wanted
    } else if request.takesPart {
      granted = Self.wholeBlocks(max(most / 2, min(most, Self.little)))
    } else {
      granted = 0
    }
    guard wanted > 0 else { return .success(0) }
    guard granted > 0 else {
      let least = request.takesPart ? 1 : wanted
      return .failure(free < 1 ? .full : free < least ? .tooLittle : open < least ? .promised : .share)
    }
    var reservation = reservations[request.key] ?? Reservation(subject: request.subject, outstanding: 0)
    reservation.outstanding += granted
    set(reservation, of: request.key)
    return .success(granted)
  }

  private static func part(_ percent: Int, of bytes: Int64) -> Int64 {
    bytes / 100 * Int64(percent) + bytes % 100 * Int64(percent) / 100
  }

  /// The upload goes on at a block's beginning, where that is possible.
  private static func wholeBlocks(_ bytes: Int64) -> Int64 {
    let block = Int64(FileBlock.size)
    return bytes < block ? bytes : bytes / block * block
  }

  /// No more than so many bytes are reserved for it from now on.
  mutating func limit(to bytes: Int64, of key: UploadKey) {
    guard bytes > 0 else { return release(key) }
    guard var reservation = reservations[key], reservation.outstanding > bytes else { return }
    reservation.outstanding = bytes
    set(reservation, of: key)
  }

  /// Bytes that may be set aside for an upload.
  func outstanding(of key: UploadKey) -> Int64 {
    reservations[key]?.outstanding ?? 0
  }

  func hasReservation(_ key: UploadKey) -> Bool {
    reservations[key] != nil
  }

  /// What a client's unfinished uploads hold, in bytes.
  func held(by subject: String) -> Int64 {
    held[subject] ?? 0
  }

  /// The disk has set aside so many bytes more in the upload's file.
  mutating func setAside(_ count: Int64, of key: UploadKey) {
    guard var reservation = reservations[key] else { return }
    let moved = min(count, reservation.outstanding)
    reservation.outstanding -= moved
    reservation.setAside += moved
    arrived += moved
    set(reservation, of: key)
  }

  /// The file has `count` bytes of the upload more.
  mutating func wrote(_ count: Int64, of key: UploadKey) {
    guard var reservation = reservations[key] else { return }
    let filled = min(count, reservation.setAside)
    reservation.setAside -= filled
    let moved = min(reservation.outstanding, count - filled)
    reservation.outstanding -= moved
    arrived += moved
    set(reservation, of: key)
    setArrival(Arrival(subject: reservation.subject, bytes: (arrivals[key]?.bytes ?? 0) + count), of: key)
  }

  /// So many bytes are there of an unfinished upload: of one that an earlier connection began.
  mutating func found(_ bytes: Int64, of key: UploadKey, by subject: String) {
    setArrival(Arrival(subject: subject, bytes: bytes), of: key)
  }

  /// Nothing more is reserved for it. What has arrived stays.
  mutating func release(_ key: UploadKey) {
    set(nil, of: key)
  }

  /// It is complete, or nothing is left of it.
  mutating func forget(_ key: UploadKey) {
    release(key)
    setArrival(nil, of: key)
  }

  /// Whoever goes on with an upload has what has arrived of it.
  private mutating func give(_ key: UploadKey, to subject: String) {
    guard let arrival = arrivals[key], arrival.subject != subject else { return }
    setArrival(Arrival(subject: subject, bytes: arrival.bytes), of: key)
  }

  private mutating func set(_ reservation: Reservation?, of key: UploadKey) {
    if let old = reservations[key] {
      outstanding -= old.outstanding
      count(-old.promised, of: old.subject)
    }
    if let reservation {
      outstanding += reservation.outstanding
      count(reservation.promised, of: reservation.subject)
    }
    reservations[key] = reservation
  }

  private mutating func setArrival(_ arrival: Arrival?, of key: UploadKey) {
    if let old = arrivals[key] { count(-old.bytes, of: old.subject) }
    if let arrival { count(arrival.bytes, of: arrival.subject) }
    arrivals[key] = arrival
  }

  private mutating func count(_ change: Int64, of subject: String) {
    let sum = held[subject, default: 0] + change
    held[subject] = sum == 0 ? nil : sum
  }
}

extension Int64 {
  fileprivate func addingClamped(_ other: Int64) -> Int64 {
    let (sum, overflow) = addingReportingOverflow(other)
    return overflow ? .max : sum
  }
}
