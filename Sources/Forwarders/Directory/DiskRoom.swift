internal import CLinux
internal import GatewayCore
internal import Glibc
internal import Synchronization

/// The space of a store's file system, and who was promised how much of it.
///
/// A promise counts until its bytes are on the disk, or the disk has set the space aside for them; then the file system's
/// own count has them. While both count them, less is promised to others than could be, never more.
final class DiskRoom: Sendable {
  private struct Promise {
    /// Bytes that the file system knows nothing of.
    var outstanding: Int64
    /// Bytes that are set aside in the file, beyond those that were written.
    var setAside: Int64 = 0
    /// Whether there were any such bytes.
    var isSetAside = false
  }

  /// Smaller rests are not worth setting aside, in bytes.
  static let preallocatesFrom: Int64 = 1 << 20

  /// What the file system said last, and when.
  private struct Reading {
    var free: Int64
    var at: ContinuousClock.Instant
  }

  private struct State {
    var promises: [UploadKey: Promise] = [:]
    /// Of all promises together.
    var outstanding: Int64 = 0
    /// Bytes of promises that have reached the disk so far: a reading from before knows nothing of them.
    var arrived: Int64 = 0
    var reading: Reading?

    mutating func set(_ promise: Promise?, of key: UploadKey) {
      outstanding -= promises[key]?.outstanding ?? 0
      outstanding += promise?.outstanding ?? 0
      promises[key] = promise
    }
  }

  /// A promise of less than this...
  private static let smallPromise: Int64 = 1 << 20
  /// ...needs no new reading while the last one is as fresh as this...
  private static let freshness = Duration.milliseconds(200)
  /// ...and left so much beyond all promises, in bytes.
  private static let ample: Int64 = 4 << 30
  /// No more is ever promised to one: sums of many stay far from overflowing.
  private static let largestPromise: Int64 = 1 << 48

  private let place: StorePlace
  private let minFree: Int64
  private let state = Mutex(State())

  init(place: StorePlace, minFree: Int64) {
    self.place = place
    self.minFree = minFree
  }

  /// As much of `bytes` as fits; it replaces what the upload was promised before. Blocks.
  func promise(_ bytes: Int64, to key: UploadKey) throws(SinkFailure) -> Int64 {
    let arrived = state.withLock { $0.arrived }
    var status = statvfs()
    let directory = place.directory
    guard uninterrupted({ fstatvfs(directory.partial, &status) }) == 0 else {
      throw .system("asking for the free space of", directory.path, errno)
    }
    let (available, isOver) = Int64(clamping: status.f_bavail)
      .multipliedReportingOverflow(by: Int64(clamping: status.f_frsize))
    return state.withLock { state in
      // What has arrived since may be in the reading or not.
      let free = max(0, (isOver ? .max : available) - minFree - (state.arrived - arrived))
      let own = state.promises[key] ?? Promise(outstanding: 0)
      let left = max(0, free - (state.outstanding - own.outstanding))
      let granted = min(max(bytes, 0), own.setAside.addingClamped(left), Self.largestPromise)
      state.set(
        Promise(
          outstanding: max(0, granted - own.setAside), setAside: own.setAside, isSetAside: own.isSetAside),
        of: key)
      state.reading = Reading(free: free, at: .now)
      return granted
    }
  }

  /// Promises a little at once, where there was ample room a moment ago; `nil` where it has to be looked at anew. Does
  /// not block.
  func promiseLittle(_ bytes: Int64, to key: UploadKey) -> Int64? {
    guard (0...Self.smallPromise).contains(bytes) else { return nil }
    return state.withLock { state in
      guard let reading = state.reading, .now - reading.at < Self.freshness, state.promises[key] == nil,
        reading.free - state.outstanding > Self.ample
      else { return nil }
      state.set(Promise(outstanding: bytes), of: key)
      return bytes
    }
  }

  /// An upload from before a restart may still have so many bytes.
  func expect(_ bytes: Int64, of key: UploadKey) {
    guard bytes > 0 else { return }
    state.withLock { $0.set(Promise(outstanding: min(bytes, Self.largestPromise)), of: key) }
  }

  /// The upload has a file of `size` bytes; where it can be, what was promised is set aside in it. Blocks.
  func opened(_ key: UploadKey, file: CInt, at size: Int64, preallocates: Bool) {
    let wanted = state.withLock { state -> Int64 in
      guard let promise = state.promises[key] else { return 0 }
      // The file may have been cut, and lost what was set aside.
      let all = promise.outstanding + promise.setAside
      state.set(Promise(outstanding: all, isSetAside: promise.isSetAside), of: key)
      return all
    }
    guard preallocates, wanted >= Self.preallocatesFrom else { return }
    // Where the file system cannot, the promise goes on being counted here.
    guard uninterrupted({ sluice_set_aside(file, size, wanted) }) == 0 else { return }
    state.withLock { state in
      guard let promise = state.promises[key] else { return }
      state.arrived += min(promise.outstanding, wanted)
      state.set(Promise(outstanding: max(0, promise.outstanding - wanted), setAside: wanted, isSetAside: true), of: key)
    }
  }

  /// The file has `count` bytes of the upload more.
  func wrote(_ count: Int64, of key: UploadKey) {
    state.withLock { state in
      guard var promise = state.promises[key] else { return }
      let filled = min(count, promise.setAside)
      promise.setAside -= filled
      state.arrived += min(promise.outstanding, count - filled)
      promise.outstanding = max(0, promise.outstanding - (count - filled))
      state.set(promise, of: key)
    }
  }

  /// Whether space was set aside in the upload's file.
  func hasSetAside(_ key: UploadKey) -> Bool {
    state.withLock { $0.promises[key]?.isSetAside ?? false }
  }

  /// Nothing more is promised.
  func release(_ key: UploadKey) {
    state.withLock { $0.set(nil, of: key) }
  }
}

extension Int64 {
  /// The sum, or the largest number there is. Neither is negative.
  fileprivate func addingClamped(_ other: Int64) -> Int64 {
    let (sum, overflow) = addingReportingOverflow(other)
    return overflow ? .max : sum
  }
}
