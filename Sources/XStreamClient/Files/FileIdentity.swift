#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Tells a file from others. It finds the upload that an earlier run began; whether the file is still the same is for a
/// digest to say, because all that is here can be the same after a change, and another after none.
public struct FileIdentity: Hashable, Sendable, Codable {
  /// The absolute path.
  public let path: LocalPath
  /// The device's number, which another mount changes.
  public let device: UInt64
  /// The inode's number.
  public let inode: UInt64
  /// Bytes.
  public let size: Int64
  /// Nanoseconds since 1970 of the last modification, which the user can put back.
  public let modified: Int64
  /// Nanoseconds since 1970 of the last change of bytes or attributes; nil in what an earlier version kept.
  public let changed: Int64?

  /// Looks at a regular file. Symbolic links are followed.
  ///
  /// - Throws: ``UploadError`` with the code `source`.
  public init(of path: String) throws(UploadError) {
    do throws(FeedError) {
      self = try OpenFile(LocalPath(path)).identity()
    } catch {
      throw error.error(nil)
    }
  }

  init(path: LocalPath, stamp: FileStamp) {
    self.path = path
    device = stamp.device
    inode = stamp.inode
    size = stamp.size
    modified = stamp.modified
    changed = stamp.changed
  }
}

/// What the system says of an open file. Whatever changes its bytes changes this too, but for writes through a mapping,
/// and for two changes within one tick of the clock.
struct FileStamp: Hashable, Sendable {
  let device: UInt64
  let inode: UInt64
  let size: Int64
  let modified: Int64
  let changed: Int64

  init(_ status: stat) {
    device = UInt64(truncatingIfNeeded: status.st_dev)
    inode = UInt64(status.st_ino)
    size = Int64(status.st_size)
    #if canImport(Darwin)
      modified = Self.nanoseconds(status.st_mtimespec)
      changed = Self.nanoseconds(status.st_ctimespec)
    #else
      modified = Self.nanoseconds(status.st_mtim)
      changed = Self.nanoseconds(status.st_ctim)
    #endif
  }

  /// Whether the clock that wrote the times may have stood still since: another change would leave no trace. Two
  /// seconds is the coarsest that a file system has (FAT).
  var isYoung: Bool {
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    return Self.nanoseconds(now) - max(changed, modified) < 2_000_000_000
  }

  private static func nanoseconds(_ time: timespec) -> Int64 {
    Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec)
  }
}
