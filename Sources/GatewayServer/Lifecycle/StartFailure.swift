import ConfigurationReading
import GatewayCore
import Glibc

/// Turns what failed at a start into words with the line of the configuration that has to be changed.
enum StartFailure {
  static func faults(_ error: any Error, _ configuration: Configuration, path: String) -> ConfigurationFaults {
    faults(FailureDescription.of(error), configuration, at: configuration.origin.place(of: path))
  }

  static func faults(_ message: String, _ configuration: Configuration, at place: Place?) -> ConfigurationFaults {
    let origin = configuration.origin
    return ConfigurationFaults(
      [ConfigurationFault(.error, origin, message, hint: "", at: place)], mainFile: origin.file)
  }
}

/// Makes the folders of a store.
enum StoreFolders {
  /// The store's own, and those above it.
  static func make(_ directory: String) throws(SinkFailure) {
    try makeParents(of: directory)
    guard FilePlace.identity(directory) == nil else { return }
    try makeOne(directory)
  }

  /// Makes those that are missing, and their names durable: an upload is no safer than the folders that lead to it.
  static func makeParents(of directory: String) throws(SinkFailure) {
    let parent = FilePlace.parent(of: directory)
    guard parent != "/", FilePlace.identity(parent) == nil else { return }
    try makeParents(of: parent)
    try makeOne(parent)
  }

  private static func makeOne(_ folder: String) throws(SinkFailure) {
    if mkdir(folder, 0o750) != 0, errno != EEXIST {
      throw .storage("the folder \(folder) cannot be made (\(FilePlace.word(for: errno))): make it by hand")
    }
    let above = open(FilePlace.parent(of: folder), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    defer { if above >= 0 { close(above) } }
    guard above >= 0, fsync(above) == 0 else {
      throw .storage("the folder that \(folder) is in cannot be synced: \(FilePlace.word(for: errno))")
    }
  }
}
