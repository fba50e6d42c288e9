internal import CLinux
internal import Glibc

/// Which folder it is, whatever it is called: for as long as it is held open, or with its birth for longer.
struct FolderIdentity: Hashable {
  private var device: UInt
  private var inode: UInt

  private init(_ status: stat) {
    device = UInt(status.st_dev)
    inode = UInt(status.st_ino)
  }

  /// `nil` where the system does not say; `errno` says why.
  init?(of descriptor: CInt) {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { return nil }
    self.init(status)
  }

  /// Of what a path leads to, over links. `nil` where nothing is there.
  init?(at path: String) {
    var status = stat()
    guard stat(path, &status) == 0 else { return nil }
    self.init(status)
  }
}

/// Which folder it is, also when it is not held open: a number of one that was removed is given again.
struct BornFolder: Hashable {
  private var identity: FolderIdentity
  private var birth: Int64

  /// `nil` also where the file system does not know when a folder was made.
  init?(of descriptor: CInt) {
    let birth = sluice_birth(descriptor)
    guard birth != 0, let identity = FolderIdentity(of: descriptor) else { return nil }
    self.identity = identity
    self.birth = birth
  }
}
