internal import GatewayCore

/// For whom how much of a file system's free space is reserved, and how much may be reserved for anybody. Has no I/O.
///
/// A reservation is exact: its bytes are nobody else's until they are on the disk, or the disk has set the space aside for
/// them; then the file system's own count has them. While both count them, less is reserved for others than could be,
/// never more. Only connected uploads have reservations, and neither one client nor all clients together get all of the
/// space in large pieces: so nobody who announces much and sends nothing keeps others out.
struct ReservedSpace {
  private struct Reservation {
    let subject: String
    /// Bytes that the file system knows nothing of.
    var outstanding: Int64
    /// Bytes that are set aside in the file, beyond those that were written.
    var setAside: Int64 = 0
  }

  /// Whoever asks for no more is given it as long as there is any, in bytes.
  static let little: Int64 = 64 << 10
  /// No more is ever reserved for one: sums of many stay far from overflowing.
  private static let largest: Int64 = 1 << 48

  private var reservations: [UploadKey: Reservation] = [:]
  private var bySubject: [String: Int64] = [:]
  /// Of all reservations together.
  private(set) var outstanding: Int64 = 0
  /// Reserved bytes that have reached the disk so far: a reading of its free space from before knows nothing of them.
  private(set) var arrived: Int64 = 0

  /// Decides what an upload may be offered, and reserves that in place of what was reserved for it before.
  ///
  /// All it wants, where that is within its client's share: seven eighths of what other clients' uploads leave, less what
  /// is reserved for the client's own. Else half of what is left of the share, or nothing where a part will not do. A 64th of
  /// what is left is in any share, and the last 32nd is given out in no other way, so that there always is space for a
  /// small upload.
  ///
  /// - Parameter free: bytes that may be reserved in all.
  mutating func reserve(_ request: SpaceRequest, free: Int64) -> Int64 {
    release(request.key)
    let own = bySubject[request.subject, default: 0]
    let left = max(0, free - outstanding)
    let share = max(0, min((free - (outstanding - own)) / 8 * 7 - own, free - free / 32 - outstanding))
    let least = max(left / 64, min(left, Self.little))
    let wanted = min(max(request.bytes, 0), Self.largest)
    let granted: Int64
    if wanted <= max(share, least) {
      granted = wanted
    } else if request.takesPart {
      granted = Self.wholeBlocks(max(share / 2, least))
    } else {
      granted = 0
    }
    if granted > 0 { set(Reservation(subject: request.subject, outstanding: granted), of: request.key) }
    return granted
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
  }

  /// Nothing more is reserved for it.
  mutating func release(_ key: UploadKey) {
    set(nil, of: key)
  }

  private mutating func set(_ reservation: Reservation?, of key: UploadKey) {
    if let old = reservations[key] { count(-old.outstanding, of: old.subject) }
    if let reservation { count(reservation.outstanding, of: reservation.subject) }
    reservations[key] = reservation
  }

  private mutating func count(_ change: Int64, of subject: String) {
    outstanding += change
    let sum = bySubject[subject, default: 0] + change
    bySubject[subject] = sum == 0 ? nil : sum
  }
}
