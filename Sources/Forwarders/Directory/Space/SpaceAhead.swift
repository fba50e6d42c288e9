internal import CLinux
internal import GatewayCore
internal import Glibc

/// Space that the disk sets aside in a file ahead of its bytes, so that they lie together: in steps that grow with what
/// has arrived. So one who announces much and sends little takes little.
///
/// It lies beyond the file's end, and is there until the file is cut.
struct SpaceAhead {
  /// Smaller uploads are not worth it, in bytes.
  static let smallestTotal: Int64 = 1 << 20
  static let steps: ClosedRange<Int64> = (4 << 20)...(256 << 20)

  private let total: Int64
  /// Offset after what is set aside or written.
  private var end: Int64 = 0
  private var isWanted: Bool
  /// Whether the file may have space beyond its end.
  private(set) var mayBeThere = false

  /// - Parameter total: of the upload, where its bytes lie in the file as they are; `nil` sets nothing aside.
  init(total: Int64?) {
    self.total = total ?? 0
    isWanted = self.total >= Self.smallestTotal
  }

  /// Whether bytes up to `offset` are beyond what is set aside.
  func isExceeded(by offset: Int64) -> Bool { offset > end }

  /// Bytes to set aside, when those from `written` to `offset` are about to be written, and at most `most` may be.
  func step(from written: Int64, to offset: Int64, most: Int64) -> Int64 {
    guard isWanted else { return 0 }
    let ahead = min(max(2 * written, Self.steps.lowerBound), Self.steps.upperBound)
    return max(0, min(min(total, offset + ahead) - max(end, written), most))
  }

  /// Has the disk set aside `count` bytes behind those that are there. Where it cannot, writing tells why.
  ///
  /// - Returns: whether it has.
  mutating func extend(_ file: CInt, from written: Int64, by count: Int64) -> Bool {
    guard count > 0 else { return false }
    let place = max(end, written)
    mayBeThere = true
    guard uninterrupted({ sluice_set_aside(file, place, count) }) == 0 else {
      // A full disk may have set aside a part; a file system that knows no such thing need not be asked again.
      isWanted = false
      return false
    }
    end = place + count
    return true
  }

  /// Gives back what is beyond the file's end.
  mutating func giveBack(_ file: CInt) {
    guard mayBeThere else { return }
    mayBeThere = false
    isWanted = false
    Self.cutToSize(file)
  }

  /// Cut to its own size, a file loses what was set aside behind it. Space that stays is no failure.
  static func cutToSize(_ file: CInt) {
    var status = stat()
    guard fstat(file, &status) == 0 else { return }
    _ = uninterrupted { ftruncate(file, status.st_size) }
  }
}

extension StoreDirectory {
  /// A gateway that died could not give back what was set aside in the files of its uploads. It is no failure where that
  /// stays.
  func giveBackSpaceAhead(of key: UploadKey) {
    var status = stat()
    guard fstatat(partial, key.text, &status, AT_SYMLINK_NOFOLLOW) == 0, status.st_mode & S_IFMT == S_IFREG,
      // In units of 512 bytes (stat(3type)); what the file system needs to find them counts too.
      status.st_blocks * 512 > status.st_size + Int(SpaceAhead.smallestTotal)
    else { return }
    let file = uninterrupted {
      sluice_open_beneath(partial, key.text, O_WRONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0)
    }
    guard file >= 0 else { return }
    SpaceAhead.cutToSize(file)
    close(file)
  }
}
