internal import CLinux
internal import GatewayCore
internal import Glibc

// What a check rejected, and an operator wants to see.
extension StoreDirectory {
  static let rejectedName = ".rejected"

  /// Puts an unfinished upload's file aside, into a folder that nobody else can read; one that is not there is no failure.
  func putAside(_ key: UploadKey) throws(SinkFailure) {
    let shown = path + "/" + Self.rejectedName
    if mkdirat(complete, Self.rejectedName, 0o700) != 0, errno != EEXIST {
      throw .system("making the folder", shown, errno)
    }
    let folder = try Self.openFolder(complete, Self.rejectedName, shown: shown)
    defer { close(folder) }
    let code = Self.moveNew(key.text, from: partial, key.text, to: folder)
    guard code == 0 || code == ENOENT else { throw .system("putting aside", partialPlace(key), code) }
    try Self.sync(folder, shown: shown)
  }
}
