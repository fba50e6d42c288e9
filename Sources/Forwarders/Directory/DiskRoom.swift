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
  }

  /// Smaller rests are not worth setting aside, in bytes.
  static let preallocatesFrom: Int64 = 1 << 20

  private let directory: StoreDirectory
  private let minFree: Int64
  private let promises = Mutex<[UploadKey: Promise]>([:])

  init(directory: StoreDirectory, minFree: Int64) {
    self.directory = directory
    self.minFree = minFree
  }

  /// As much of `bytes` as fits; it replaces what the upload was promised before. Blocks.
  func promise(_ bytes: Int64, to key: UploadKey) throws(SinkFailure) -> Int64 {
    let answer = promises.withLock { promises -> Result<Int64, SinkFailure> in
      // Within the lock, so that no two are promised the same space.
      var status = statvfs()
      guard uninterrupted({ fstatvfs(directory.partial, &status) }) == 0 else {
        return .failure(.system("asking for the free space of", directory.path, errno))
      }
      let available = Int64(clamping: status.f_bavail).multipliedReportingOverflow(by: Int64(clamping: status.f_frsize))
      let own = promises[key]?.setAside ?? 0
      let others = promises.reduce(Int64(0)) { $1.key == key ? $0 : $0.addingClamped($1.value.outstanding) }
      let free = max(0, (available.overflow ? .max : available.partialValue) - minFree)
      let granted = min(max(bytes, 0), own.addingClamped(max(0, free - others)))
      promises[key] = Promise(outstanding: max(0, granted - own), setAside: own)
      return .success(granted)
    }
    return try answer.get()
  }

  /// An upload from before a restart may still have so many bytes.
  func expect(_ bytes: Int64, of key: UploadKey) {
    guard bytes > 0 else { return }
    promises.withLock { $0[key] = Promise(outstanding: bytes) }
  }

  /// The upload has a file of `size` bytes; where it can be, what was promised is set aside in it. Blocks.
  func opened(_ key: UploadKey, file: CInt, at size: Int64, preallocates: Bool) {
    let wanted = promises.withLock { promises -> Int64 in
      guard let promise = promises[key] else { return 0 }
      // The file may have been cut, and lost what was set aside.
      let all = promise.outstanding.addingClamped(promise.setAside)
      promises[key] = Promise(outstanding: all)
      return all
    }
    guard preallocates, wanted >= Self.preallocatesFrom else { return }
    // Where the file system cannot, the promise goes on being counted here.
    guard uninterrupted({ sluice_set_aside(file, size, wanted) }) == 0 else { return }
    promises.withLock { promises in
      guard let promise = promises[key] else { return }
      promises[key] = Promise(outstanding: max(0, promise.outstanding - wanted), setAside: wanted)
    }
  }

  /// The file has `count` bytes of the upload more.
  func wrote(_ count: Int64, of key: UploadKey) {
    promises.withLock { promises in
      guard var promise = promises[key] else { return }
      let filled = min(count, promise.setAside)
      promise.setAside -= filled
      promise.outstanding = max(0, promise.outstanding - (count - filled))
      promises[key] = promise
    }
  }

  /// Whether anything was promised.
  func holds(_ key: UploadKey) -> Bool {
    promises.withLock { $0[key] != nil }
  }

  /// Nothing more is promised.
  func release(_ key: UploadKey) {
    promises.withLock { $0[key] = nil }
  }
}

extension Int64 {
  /// The sum, or the largest number there is. Neither is negative.
  fileprivate func addingClamped(_ other: Int64) -> Int64 {
    let (sum, overflow) = addingReportingOverflow(other)
    return overflow ? .max : sum
  }
}
