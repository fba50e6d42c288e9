import CLinux
import ConfigurationReading
import Forwarders
import GatewayCore
import Glibc

/// Looks at the folders that a gateway writes to. Whether they are there, or can be made, has been looked at when the file
/// was read.
enum FolderReading {
  static func look(at configuration: Configuration, _ findings: inout Findings) {
    let state = LedgerFolder(configuration)
    warnOfMemory("the `state` folder", configuration.state, &findings)
    if configuration.database == nil { ledger(state.ledgerPath, configuration.state, &findings) }
    DatabaseReading.look(at: configuration, &findings)
    stores(of: configuration, &findings)
  }

  /// The stores alone. A gateway that runs may not look at its ledger's file: to close it would end SQLite's locks on it.
  static func stores(of configuration: Configuration, _ findings: inout Findings) {
    for route in configuration.routes {
      guard case .directory(let settings) = route.destination else { continue }
      warnOfMemory("the folder of `\(route.route.path)`", settings.directory, &findings)
      store(settings, of: route.route.path, &findings)
    }
  }

  private static func store(_ settings: DirectoryStore.Settings, of route: String, _ findings: inout Findings) {
    let partial = settings.partialFolder
    if FilePlace.identity(partial) != nil, let fault = FilePlace.faultOfFolder(partial) {
      findings.add(.error, "`directory`: \(fault.message)", hint: fault.hint, path: settings.directory)
    }
    guard let disk = disk(of: settings.directory) else { return }
    let least = settings.leftFree(ofDisk: disk.size)
    guard disk.free < least else { return }
    findings.add(
      .warning,
      "the disk of `\(route)` has \(ByteSize.text(disk.free)) free, which is less than `min-free` "
        + "(\(ByteSize.text(least))): no upload is taken",
      hint: "make room, or write less in `min-free`", path: settings.directory)
  }

  /// Without opening it: a reader of SQLite's may write beside it.
  private static func ledger(_ path: String, _ state: String, _ findings: inout Findings) {
    guard FilePlace.identity(path) != nil else { return }
    if let fault = FilePlace.faultOfFile(path) {
      return findings.add(.error, "the ledger: \(fault.message)", hint: fault.hint, path: state)
    }
    if access(path, W_OK) != 0 {
      return findings.add(
        .error, "the ledger: cannot write to `\(path)`: \(FilePlace.word(for: errno))",
        hint: "give the file to the gateway's user", path: state)
    }
    guard !beginsAsDatabase(path) else { return }
    findings.add(
      .error, "the ledger: `\(path)` is not a ledger", hint: "move it away, or name another `state` folder", path: state
    )
  }

  private static func beginsAsDatabase(_ path: String) -> Bool {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return true }
    defer { close(file) }
    let expected = Array("SQLite format 3\0".utf8)
    var bytes = [UInt8](repeating: 0, count: expected.count)
    let count = read(file, &bytes, bytes.count)
    return count == 0 || (count == bytes.count && bytes == expected)
  }

  private static func warnOfMemory(_ name: String, _ path: String, _ findings: inout Findings) {
    guard let existing = existing(path), sluice_is_in_memory(existing) == 1 else { return }
    findings.add(
      .warning, "\(name) is in memory (tmpfs): what is in `\(path)` does not survive a restart of the machine",
      hint: "name a folder on a disk", path: path)
  }

  /// In bytes.
  private static func disk(of path: String) -> (free: Int64, size: Int64)? {
    var status = statvfs()
    guard let existing = existing(path), statvfs(existing, &status) == 0 else { return nil }
    let unit = UInt64(status.f_frsize)
    let (free, size) = (
      UInt64(status.f_bavail).multipliedReportingOverflow(by: unit),
      UInt64(status.f_blocks).multipliedReportingOverflow(by: unit)
    )
    guard !free.overflow, !size.overflow else { return nil }
    return (Int64(clamping: free.partialValue), Int64(clamping: size.partialValue))
  }

  /// The folder itself, or the one that it would be made in.
  private static func existing(_ path: String) -> String? {
    var path = path
    while FilePlace.identity(path) == nil {
      guard path != "/" else { return nil }
      path = FilePlace.parent(of: path)
    }
    return path
  }
}
