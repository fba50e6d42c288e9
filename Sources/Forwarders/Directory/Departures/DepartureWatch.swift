internal import CLinux
internal import FoundationEssentials
internal import GatewayCore
internal import Glibc
internal import OperatingSystem
internal import Synchronization

/// Hears from the kernel (inotify(7)) which names leave a folder and those below it, and tells whose they may be. On a thread
/// of its own, which sleeps until something leaves.
///
/// Files that come are not heard of: each upload would cost an event.
final class DepartureWatch: Sendable {
  /// What the thread has; nobody else uses it.
  private struct Folders {
    /// By watch descriptor: paths below the directory, empty for itself.
    var paths: [Int32: String] = [:]
    /// Whether a folder could not be watched.
    var isIncomplete = false
  }

  /// How long names are gathered before they are told, in milliseconds: a consumer mostly takes many.
  private static let gathering: Int32 = 200
  private static let bufferSize = 64 << 10
  /// As templates have.
  private static let depth = NameTemplate.folderLimit

  private let directory: String
  private let hasFolders: Bool
  private let notifier: CInt
  /// A pipe whose one end is closed when the watch is to end.
  private let ending: CInt
  private let end: CInt
  private let tell: @Sendable ([UploadKey]?) -> Void

  /// `nil` where the system has no watch left: then somebody has to look for what is gone.
  ///
  /// - Parameters:
  ///   - hasFolders: whether files may be in folders below.
  ///   - tell: ``/GatewayCore/Forwarder/watchDepartures(_:)``.
  init?(directory: String, hasFolders: Bool, _ tell: @escaping @Sendable ([UploadKey]?) -> Void) {
    self.directory = directory
    self.hasFolders = hasFolders
    self.tell = tell
    // IN_CLOEXEC and IN_NONBLOCK are these (inotify_init(2)).
    notifier = inotify_init1(O_CLOEXEC | O_NONBLOCK)
    guard notifier >= 0 else { return nil }
    var ends: [CInt] = [-1, -1]
    guard pipe(&ends) == 0 else {
      close(notifier)
      return nil
    }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    (ending, end) = (ends[0], ends[1])
    var folders = Folders()
    add("", depth: 0, &folders)
    guard !folders.paths.isEmpty else {
      for file in [notifier, ending, end] { close(file) }
      return nil
    }
    let first = folders
    DetachedThread.run { [self] in run(first) }
  }

  /// Ends the thread, a moment later.
  func stop() {
    close(end)
  }

  private func run(_ folders: Folders) {
    var folders = folders
    if folders.isIncomplete { tell(nil) }
    var names: Set<String> = []
    while wait(milliseconds: names.isEmpty ? -1 : Self.gathering) {
      let before = names.count
      let isWhole = read(into: &names, &folders)
      if !isWhole { tell(nil) }
      // Until nothing more comes for a moment, or there is much.
      if isWhole, names.count > before, names.count < 10_000 { continue }
      if !names.isEmpty { tell(names.flatMap(UploadKey.possible(in:))) }
      names.removeAll()
    }
    close(notifier)
    close(ending)
  }

  /// - Returns: whether to go on.
  private func wait(milliseconds: Int32) -> Bool {
    var files = [
      pollfd(fd: notifier, events: Int16(POLLIN), revents: 0), pollfd(fd: ending, events: Int16(POLLIN), revents: 0),
    ]
    while poll(&files, 2, milliseconds) < 0, errno == EINTR {}
    return files[1].revents == 0
  }

  /// - Returns: whether nothing was missed.
  private func read(into names: inout Set<String>, _ folders: inout Folders) -> Bool {
    var isWhole = true
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.bufferSize, alignment: 8)
    defer { buffer.deallocate() }
    while true {
      let count = Glibc.read(notifier, buffer.baseAddress, buffer.count)
      guard count > 0 else { return isWhole }
      var offset = 0
      // struct inotify_event: descriptor, mask, cookie and length, of 32 bits each, and a name that ends with NUL.
      while offset + 16 <= count {
        let descriptor = buffer.load(fromByteOffset: offset, as: Int32.self)
        let mask = buffer.load(fromByteOffset: offset + 4, as: UInt32.self)
        let length = Int(buffer.load(fromByteOffset: offset + 12, as: UInt32.self))
        let bytes = UnsafeRawBufferPointer(rebasing: buffer[offset + 16..<min(offset + 16 + length, count)])
        let name = String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        offset += 16 + length
        if !heard(mask, of: name, in: descriptor, &names, &folders) { isWhole = false }
      }
    }
  }

  private func heard(
    _ mask: UInt32, of name: String, in descriptor: Int32, _ names: inout Set<String>, _ folders: inout Folders
  ) -> Bool {
    if mask & UInt32(IN_Q_OVERFLOW) != 0 { return false }
    guard let parent = folders.paths[descriptor] else { return true }
    if mask & UInt32(IN_IGNORED) != 0 {
      folders.paths[descriptor] = nil
      return true
    }
    // The gateway's own names begin so.
    guard !name.hasPrefix(".") else { return true }
    let path = parent.isEmpty ? name : parent + "/" + name
    let isFolder = mask & UInt32(IN_ISDIR) != 0
    if mask & UInt32(IN_CREATE) != 0 {
      guard isFolder else { return true }
      add(path, depth: path.count { $0 == "/" } + 1, &folders)
      return !folders.isIncomplete
    }
    // All that was in a folder has left with it.
    if isFolder, mask & UInt32(IN_MOVED_FROM) != 0 { return false }
    names.insert(path)
    return true
  }

  /// Watches a folder, and those in it.
  private func add(_ path: String, depth: Int, _ folders: inout Folders) {
    let full = path.isEmpty ? directory : directory + "/" + path
    var mask = UInt32(IN_DELETE | IN_MOVED_FROM | IN_ONLYDIR)
    if hasFolders { mask |= UInt32(IN_CREATE) }
    // The store's own folder may be a link, as its operator has made it.
    if !path.isEmpty { mask |= UInt32(IN_DONT_FOLLOW) }
    let descriptor = inotify_add_watch(notifier, full, mask)
    guard descriptor >= 0 else {
      if errno != ENOENT { folders.isIncomplete = true }
      return
    }
    folders.paths[descriptor] = path
    guard hasFolders, depth < Self.depth else { return }
    guard let names = try? FileManager.default.contentsOfDirectory(atPath: full) else { return }
    for name in names where !name.hasPrefix(".") {
      let child = path.isEmpty ? name : path + "/" + name
      var status = stat()
      guard lstat(directory + "/" + child, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else { continue }
      add(child, depth: depth + 1, &folders)
    }
  }
}

extension UploadKey {
  /// The keys that a path's names may be made of. Most are none of an upload: the ledger knows.
  ///
  /// A key that the gateway minted has 32 characters, and a template may put others beside it.
  static func possible(in path: String) -> [UploadKey] {
    var keys: [UploadKey] = []
    for name in path.split(separator: "/").reversed() {
      let text = name.hasSuffix(".gz") ? name.dropLast(3) : name
      if text.utf8.count == mintedLength, let key = UploadKey(String(text)) { return [key] }
      let bytes = Array(text.utf8)
      guard bytes.count > mintedLength else { continue }
      for start in 0...bytes.count - mintedLength {
        if let key = UploadKey(String(decoding: bytes[start..<start + mintedLength], as: UTF8.self)) {
          keys.append(key)
        }
      }
    }
    return keys
  }

  private static let mintedLength = 32
}
