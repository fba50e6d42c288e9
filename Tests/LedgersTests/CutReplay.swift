import Foundation
import Testing

/// What a ``CutDisk``'s files hold for certain, and what else they may hold, as its events go by.
struct CutReplay {
  fileprivate static let pageSize = 4096
  fileprivate static let emptyPage = [UInt8](repeating: 0, count: pageSize)

  fileprivate struct Content {
    var durable: [Int: [UInt8]] = [:]
    var durableSize = 0
    /// As the system's memory has it.
    var cached: [Int: [UInt8]] = [:]
    var cachedSize = 0
    /// What each page that is not synced has been since it was.
    var versions: [Int: [[UInt8]]] = [:]
  }

  /// By the number of the file.
  private var contents = [Content(), Content()]
  private var random: SeededGenerator
  /// The last that went by.
  private(set) var mark = 0

  init(seed: UInt64) {
    random = SeededGenerator(state: seed)
  }

  mutating func take(_ event: CutDisk.Event) {
    switch event {
    case .mark(let number): mark = number
    case .write(let file, let offset, let bytes): contents[file.rawValue].write(bytes, at: Int(offset))
    case .truncate(let file, let size): contents[file.rawValue].truncate(to: Int(size))
    case .sync(let file): contents[file.rawValue].sync { _ in true }
    case .lostSync(let file):
      var random = random
      contents[file.rawValue].sync { _ in Bool.random(using: &random) }
      self.random = random
    }
  }

  /// The two files as a power cut here may leave them, as `ledger.db` in `folder`.
  mutating func cut(into folder: String) throws {
    for (file, suffix) in [(CutDisk.File.database, ""), (.log, "-wal")] {
      var content = contents[file.rawValue]
      // Sometimes nothing of what was not synced is there, sometimes all, mostly some.
      let share: Double = [0, 0.1, 0.5, 0.9, 1].randomElement(using: &random) ?? 0
      for (page, versions) in content.versions.sorted(by: { $0.key < $1.key })
      where Double.random(in: 0..<1, using: &random) < share {
        content.durable[page] = Bool.random(using: &random) ? versions.last : versions.randomElement(using: &random)
        content.durableSize = max(content.durableSize, min((page + 1) * Self.pageSize, content.cachedSize))
      }
      if content.durableSize > content.cachedSize, Bool.random(using: &random) {
        content.durableSize = content.cachedSize
      }
      try content.writeDurable(to: folder + "/ledger.db" + suffix)
    }
  }
}

extension CutReplay.Content {
  fileprivate mutating func write(_ bytes: [UInt8], at offset: Int) {
    cachedSize = max(cachedSize, offset + bytes.count)
    var done = 0
    while done < bytes.count {
      let (page, start) = (offset + done).quotientAndRemainder(dividingBy: CutReplay.pageSize)
      let count = min(bytes.count - done, CutReplay.pageSize - start)
      cached[page, default: CutReplay.emptyPage].withUnsafeMutableBytes { memory in
        bytes.withUnsafeBytes { memory[start...].copyBytes(from: $0[done..<(done + count)]) }
      }
      versions[page, default: []].append(cached[page] ?? [])
      done += count
    }
  }

  fileprivate mutating func truncate(to size: Int) {
    cachedSize = size
    let isKept = { (page: Int) in page * CutReplay.pageSize < size }
    cached = cached.filter { isKept($0.key) }
    versions = versions.filter { isKept($0.key) }
    // SQLite cuts at the borders of its pages, or to nothing.
    precondition(size % CutReplay.pageSize == 0)
  }

  /// - Parameter keeps: whether what it is asked of came to the disk.
  fileprivate mutating func sync(_ keeps: (Int) -> Bool) {
    for page in versions.keys.sorted() where keeps(page) {
      durable[page] = cached[page]
      durableSize = max(durableSize, min((page + 1) * CutReplay.pageSize, cachedSize))
    }
    versions = [:]
    if keeps(-1) {
      durableSize = cachedSize
      durable = durable.filter { $0.key * CutReplay.pageSize < cachedSize }
    }
  }

  fileprivate func writeDurable(to path: String) throws {
    let file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    try #require(file >= 0 && ftruncate(file, durableSize) == 0)
    defer { close(file) }
    for (page, bytes) in durable {
      let offset = page * CutReplay.pageSize
      let count = min(bytes.count, durableSize - offset)
      if count > 0 { try #require(pwrite(file, bytes, count, offset) == count) }
    }
  }
}
