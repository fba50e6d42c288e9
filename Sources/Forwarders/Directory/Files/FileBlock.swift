/// A block of a file.
enum FileBlock {
  /// What blocks of files and pages of memory have in common, in bytes. Whoever receives bytes lays them into memory by the
  /// same number, or each block is copied on its way to the disk: BlockFileTests hold the two together.
  static let size = 4096
}
