internal import CLinux
internal import GatewayCore
internal import Glibc
internal import NIOCore

/// Tells a store from an empty folder, and one store from another: a small file in the folder of unfinished uploads.
///
/// The ledger knows each store by ``id``, and the store its ledger by ``ledger``. So a disk that is not mounted, of either of
/// the two, is seen before anything is taken for gone.
package struct StoreMark: Hashable, Sendable {
  /// The store's own name, random.
  package var id: String
  /// The ledger's own name, random.
  package var ledger: String
  /// The route that it was made for, for people.
  package var route: String
  /// Where the ledger was then, for people.
  package var ledgerPath: String

  /// A mark of a new store.
  package init(ledger: String, route: String, ledgerPath: String) {
    self.init(id: UploadKey.mint().text, ledger: ledger, route: route, ledgerPath: ledgerPath)
  }

  /// All of it.
  package init(id: String, ledger: String, route: String, ledgerPath: String) {
    self.id = id
    self.ledger = ledger
    self.route = route
    self.ledgerPath = ledgerPath
  }
}

extension StoreMark {
  // A dot keeps it apart from all keys.
  static let name = ".store"
  private static let newName = ".store.new"
  private static let firstLine = "sluice store 1"
  private static let lastLine = "end"
  private static let sizeLimit = 16 << 10

  private var text: String {
    func line(_ text: String) -> String {
      String(String.UnicodeScalarView(text.unicodeScalars.map { SafeName.isHidden($0) ? "?" : $0 }))
    }
    return [
      Self.firstLine, "id: \(id)", "ledger: \(ledger)", "route: \(line(route))", "ledger-file: \(line(ledgerPath))",
      Self.lastLine, "",
    ].joined(separator: "\n")
  }

  /// `nil` for what is no whole mark.
  private init?(_ text: String) {
    var lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    guard lines.count > 2, lines.removeLast().isEmpty, lines.removeLast() == Self.lastLine,
      lines.removeFirst() == Self.firstLine
    else { return nil }
    var fields: [Substring: Substring] = [:]
    for line in lines {
      guard let colon = line.firstIndex(of: ":") else { return nil }
      fields[line[..<colon]] = line[line.index(after: colon)...].dropFirst()
    }
    guard let id = fields["id"], let ledger = fields["ledger"], !id.isEmpty, !ledger.isEmpty else { return nil }
    self.init(
      id: String(id), ledger: String(ledger), route: String(fields["route"] ?? ""),
      ledgerPath: String(fields["ledger-file"] ?? ""))
  }

  /// The mark in an open folder of unfinished uploads; `nil` where there is none.
  static func read(in partial: CInt, shown: String) throws(SinkFailure) -> StoreMark? {
    let shown = shown + "/" + name
    let file = uninterrupted { sluice_open_beneath(partial, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0) }
    guard file >= 0 else {
      if errno == ENOENT { return nil }
      throw .system("opening the mark", shown, errno)
    }
    defer { close(file) }
    var bytes = [UInt8](repeating: 0, count: sizeLimit)
    var count = 0
    while count < bytes.count {
      let got = bytes.withUnsafeMutableBytes { space in
        uninterrupted { pread(file, space.baseAddress.map { $0 + count }, space.count - count, count) }
      }
      guard got >= 0 else { throw .system("reading the mark", shown, errno) }
      if got == 0 { break }
      count += got
    }
    guard let mark = StoreMark(String(decoding: bytes[..<count], as: UTF8.self)) else {
      throw .storage("the mark \(shown) is damaged: it is not what the gateway wrote")
    }
    return mark
  }

  /// Puts the mark into a folder of unfinished uploads, whole and durable.
  ///
  /// - Parameter replacing: in place of another, should there be one; without, that is a failure.
  func write(into partial: CInt, replacing: Bool, shown: String) throws(SinkFailure) {
    let folder = shown
    let shown = shown + "/" + Self.name
    unlinkat(partial, Self.newName, 0)
    let file = uninterrupted {
      sluice_open_beneath(partial, Self.newName, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
    }
    guard file >= 0 else { throw .system("making the mark", shown, errno) }
    defer { close(file) }
    do throws(SinkFailure) {
      let code = VectoredWrite.write([ByteBuffer(string: text)], to: file, at: 0)
      guard code == 0 else { throw .system("writing the mark", shown, code) }
      guard uninterrupted({ fsync(file) }) == 0 else { throw .system("syncing the mark", shown, errno) }
      let moved =
        replacing
        ? (renameat(partial, Self.newName, partial, Self.name) == 0 ? 0 : errno)
        : StoreDirectory.moveNew(Self.newName, from: partial, Self.name, to: partial)
      guard moved == 0 else { throw .system("moving the mark to", shown, moved) }
    } catch {
      unlinkat(partial, Self.newName, 0)
      throw error
    }
    try StoreDirectory.sync(partial, shown: folder)
  }
}
