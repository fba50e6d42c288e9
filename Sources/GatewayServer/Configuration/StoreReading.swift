import Forwarders

/// Reads a route's `store`.
enum StoreReading {
  static func settings(_ section: inout MappingReader) -> (DirectoryStore.Settings, folder: Setting<String>)? {
    guard let folder = section.required("directory", as: .writableFolder) else { return nil }
    return (DirectoryStore.Settings(directory: folder.value), folder)
  }
}
