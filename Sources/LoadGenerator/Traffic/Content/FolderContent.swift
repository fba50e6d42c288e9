import FoundationEssentials
import NIOCore

/// The files of a folder, in memory.
struct FolderContent {
  /// The most that is kept of one folder, in bytes.
  static let most: Int64 = 1 << 30

  /// In the order of their names.
  let files: [ByteBuffer]
  /// How many did not fit into ``most``.
  let leftOut: Int

  /// Reads all regular files of a folder, but not those of folders in it.
  ///
  /// - Throws: what the file system says.
  init(path: String) throws {
    var files: [ByteBuffer] = []
    var (sum, leftOut): (Int64, Int) = (0, 0)
    let names = try FileManager.default.contentsOfDirectory(atPath: path).sorted()
    for name in names {
      let file = path + "/" + name
      let attributes = try FileManager.default.attributesOfItem(atPath: file)
      guard attributes[.type] as? FileAttributeType == .typeRegular else { continue }
      let size = (attributes[.size] as? any BinaryInteger).map { Int64($0) } ?? 0
      guard sum + size <= Self.most else {
        leftOut += 1
        continue
      }
      files.append(ByteBuffer(bytes: try Data(contentsOf: URL(fileURLWithPath: file))))
      sum += size
    }
    self.files = files
    self.leftOut = leftOut
  }

  static func isFolder(_ path: String) -> Bool {
    var isFolder = false
    return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) && isFolder
      && FileManager.default.isReadableFile(atPath: path)
  }
}
