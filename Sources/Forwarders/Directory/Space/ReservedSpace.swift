internal import GatewayCore

/// Who was promised how much of a file system's free space, and how much anybody may be promised. Has no I/O.
///
/// A promise is exact: its bytes are nobody else's until they are on the disk, or the disk has set the space aside for
/// them; then the file system's own count has them. While both count them, less is promised to others than could be,
/// never more. Only connected uploads have promises, and neither one client nor all clients together are promised all
/// in large pieces: so nobody who announces much and sends nothing keeps others out.
struct ReservedSpace {
  private struct Promise {
    let subject: String
    /// Bytes that the file system knows nothing of.
    var outstanding: Int64
    /// Bytes that are set aside in the file, beyond those that were written.
    var setAside: Int64 = 0
  }

  /// Whoever asks for no more is given it as long as there is any, in bytes.
  static let little: Int64 = 64 << 10
  /// No more is ever promised to one: sums of many stay far from overflowing.
  private static let largest: Int64 = 1 << 48
  private static let blockSize: Int64 = 4096

  private var promises: [UploadKey: Promise] = [:]
  private var bySubject: [String: Int64] = [:]
  /// Of all promises together.
  private(set) var outstanding: Int64 = 0
  /// Bytes of promises that have reached the disk so far: a reading of its free space from before knows nothing of them.
  private(set) var arrived: Int64 = 0

  /// Decides what an upload may be offered, and promises it that in place of what it was promised before.
  ///
  /// All it wants, where that is within its client's share: seven eighths of what other clients' uploads leave, less what
  /// the client's own were promised. Else half of what is left of the share, or nothing where a part will not do. A 64th of
  /// what is left is in any share, and the last 32nd is given out in no other way, so that there always is room for a
  /// small upload.
  ///
  /// - Parameter free: bytes that may be promised in all.
  mutating func promise(_ wish: SpaceRequest, free: Int64) -> Int64 {
    release(wish.key)
    let own = bySubject[wish.subject, default: 0]
    let left = max(0, free - outstanding)
    let share = max(0, min((free - (outstanding - own)) / 8 * 7 - own, free - free / 32 - outstanding))
    let least = max(left / 64, min(left, Self.little))
    let wanted = min(max(wish.bytes, 0), Self.largest)
    let granted: Int64
    if wanted <= max(share, least) {
      granted = wanted
    } else if wish.takesPart {
      granted = Self.wholeBlocks(max(share / 2, least))
    } else {
      granted = 0
    }
    if granted > 0 { set(Promise(subject: wish.subject, outstanding: granted), of: wish.key) }
    return granted
  }

  /// The upload goes on at a block's beginning, where that is possible.
  private static func wholeBlocks(_ bytes: Int64) -> Int64 {
    bytes < blockSize ? bytes : bytes / blockSize * blockSize
  }

  /// No more than so many bytes are promised to it from now on.
  mutating func limit(to bytes: Int64, of key: UploadKey) {
    guard bytes > 0 else { return release(key) }
    guard var promise = promises[key], promise.outstanding > bytes else { return }
    promise.outstanding = bytes
    set(promise, of: key)
  }

  /// Bytes that may be set aside for an upload.
  func outstanding(of key: UploadKey) -> Int64 {
    promises[key]?.outstanding ?? 0
  }

  func isPromised(_ key: UploadKey) -> Bool {
    promises[key] != nil
  }

  /// The disk has set aside so many bytes more in the upload's file.
  mutating func setAside(_ count: Int64, of key: UploadKey) {
    guard var promise = promises[key] else { return }
    let moved = min(count, promise.outstanding)
    promise.outstanding -= moved
    promise.setAside += moved
    arrived += moved
    set(promise, of: key)
  }

  /// The file has `count` bytes of the upload more.
  mutating func wrote(_ count: Int64, of key: UploadKey) {
    guard var promise = promises[key] else { return }
    let filled = min(count, promise.setAside)
    promise.setAside -= filled
    let moved = min(promise.outstanding, count - filled)
    promise.outstanding -= moved
    arrived += moved
    set(promise, of: key)
  }

  /// Nothing more is promised to it.
  mutating func release(_ key: UploadKey) {
    set(nil, of: key)
  }

  private mutating func set(_ promise: Promise?, of key: UploadKey) {
    if let old = promises[key] { count(-old.outstanding, of: old.subject) }
    if let promise { count(promise.outstanding, of: promise.subject) }
    promises[key] = promise
  }

  private mutating func count(_ change: Int64, of subject: String) {
    outstanding += change
    let sum = bySubject[subject, default: 0] + change
    bySubject[subject] = sum == 0 ? nil : sum
  }
}
