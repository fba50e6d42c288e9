import CSQLite
import Foundation
import Synchronization
import Testing

/// A disk beneath SQLite that forgets, at a power cut, what was written and not synced, and that fails as Linux lets
/// disks fail: what a failed sync was for may be lost, is called clean, and is never written again by itself.
///
/// It writes to real files and keeps a record of what happened, of which ``CutReplay`` makes the disk as it was at any
/// moment. Register it once for each test; SQLite never lets go of it.
final class CutDisk: Sendable {
  enum File: Int, Sendable {
    case database
    case log
  }

  enum Event: Sendable {
    case write(File, at: Int64, [UInt8])
    case truncate(File, to: Int64)
    case sync(File)
    case lostSync(File)
    /// By the test: from here on something else holds.
    case mark(Int)
  }

  enum Operation: CaseIterable, Sendable {
    case read, write, sync, truncate, map
  }

  /// Which operations fail: mostly one of many, and then some of the few that follow.
  struct Faults: Sendable {
    var random: SeededGenerator
    private var burst = 0
    private var isAlways = false

    /// A disk that takes everything, and of nothing says that it is safe.
    static var always: Faults {
      var faults = Faults(seed: 0)
      faults.isAlways = true
      return faults
    }

    init(seed: UInt64) {
      random = SeededGenerator(state: seed)
    }

    mutating func strikes(_ operation: Operation) -> Bool {
      if isAlways { return operation == .sync }
      if burst > 0 {
        burst -= 1
        return Bool.random(using: &random)
      }
      let odds =
        switch operation {
        case .sync, .truncate: 20
        case .map: 3
        case .read, .write: 400
        }
      guard Int.random(in: 0..<odds, using: &random) == 0 else { return false }
      burst = Int.random(in: 0..<4, using: &random)
      return true
    }
  }

  struct State {
    var events: [Event] = []
    /// `nil` for a disk that does not fail.
    var faults: Faults?
    /// Indices of the events at which something failed.
    var failures: [Int] = []
  }

  let name: String
  let state: Mutex<State>

  init() throws {
    name = "cut-\(UUID())"
    state = Mutex(State())
    let real = try #require(sqlite3_vfs_find(nil))
    let system = UnsafeMutablePointer<sqlite3_vfs>.allocate(capacity: 1)
    system.initialize(to: real.pointee)
    system.pointee.pNext = nil
    system.pointee.zName = UnsafePointer(strdup(name))
    system.pointee.szOsFile += Int32(OpenFile.headSize)
    system.pointee.pAppData = Unmanaged.passRetained(self).toOpaque()
    system.pointee.xOpen = { system, name, file, flags, outFlags in
      guard let system, let file, let real = sqlite3_vfs_find(nil) else { return SQLITE_MISUSE }
      let open = OpenFile(file)
      open.head.pointee = OpenFile.Head(
        methods: nil, disk: system.pointee.pAppData,
        kind: flags & SQLITE_OPEN_WAL != 0 ? 1 : flags & SQLITE_OPEN_MAIN_DB != 0 ? 0 : -1)
      let code = real.pointee.xOpen(real, name, open.real, flags, outFlags)
      if open.real.pointee.pMethods != nil { open.head.pointee.methods = OpenFile.methods }
      return code
    }
    let code = sqlite3_vfs_register(system, 0)
    try #require(code == SQLITE_OK)
  }

  func mark(_ number: Int) {
    state.withLock { $0.events.append(.mark(number)) }
  }

  fileprivate func fails(_ operation: Operation, _ file: File) -> Bool {
    state.withLock { state in
      guard state.faults?.strikes(operation) == true else { return false }
      state.failures.append(state.events.count)
      if operation == .sync { state.events.append(.lostSync(file)) }
      return true
    }
  }

  fileprivate func note(_ event: Event) {
    state.withLock { $0.events.append(event) }
  }
}

/// SQLite's own file behind a head that leads to the disk.
private struct OpenFile {
  struct Head {
    var methods: UnsafePointer<sqlite3_io_methods>?
    var disk: UnsafeMutableRawPointer?
    var kind: Int
  }

  static let headSize = 32
  let head: UnsafeMutablePointer<Head>
  let real: UnsafeMutablePointer<sqlite3_file>

  init(_ file: UnsafeMutablePointer<sqlite3_file>?) {
    guard let file else { preconditionFailure("SQLite has no file") }
    let raw = UnsafeMutableRawPointer(file)
    head = raw.assumingMemoryBound(to: Head.self)
    real = (raw + Self.headSize).assumingMemoryBound(to: sqlite3_file.self)
  }

  var calls: sqlite3_io_methods { real.pointee.pMethods.pointee }

  /// `nil` for files that hold nothing for longer.
  var place: (disk: CutDisk, file: CutDisk.File)? {
    guard let disk = head.pointee.disk, let file = CutDisk.File(rawValue: head.pointee.kind) else { return nil }
    return (Unmanaged<CutDisk>.fromOpaque(disk).takeUnretainedValue(), file)
  }

  func fails(_ operation: CutDisk.Operation) -> Bool {
    place.map { $0.disk.fails(operation, $0.file) } ?? false
  }

  // Never changed once made.
  nonisolated(unsafe) static let methods: UnsafePointer<sqlite3_io_methods> = {
    var methods = sqlite3_io_methods()
    methods.iVersion = 2
    methods.xClose = { OpenFile($0).calls.xClose(OpenFile($0).real) }
    methods.xRead = { file, bytes, count, offset in
      let open = OpenFile(file)
      if open.fails(.read) { return SQLITE_IOERR | 1 << 8 }
      return open.calls.xRead(open.real, bytes, count, offset)
    }
    methods.xWrite = { file, bytes, count, offset in
      let open = OpenFile(file)
      guard let (disk, kind) = open.place, let bytes else { return open.calls.xWrite(open.real, bytes, count, offset) }
      let fails = open.fails(.write)
      // A write that fails may have written the half of it.
      let written = fails ? count / 1024 * 512 : count
      if written > 0 {
        disk.note(.write(kind, at: offset, Array(UnsafeRawBufferPointer(start: bytes, count: Int(written)))))
        let code = open.calls.xWrite(open.real, bytes, written, offset)
        if code != SQLITE_OK { return code }
      }
      return fails ? SQLITE_IOERR | 3 << 8 : SQLITE_OK
    }
    methods.xTruncate = { file, size in
      let open = OpenFile(file)
      if open.fails(.truncate) { return SQLITE_IOERR | 6 << 8 }
      if let (disk, kind) = open.place { disk.note(.truncate(kind, to: size)) }
      return open.calls.xTruncate(open.real, size)
    }
    methods.xSync = { file, flags in
      let open = OpenFile(file)
      if open.fails(.sync) { return SQLITE_IOERR | 4 << 8 }
      if let (disk, kind) = open.place { disk.note(.sync(kind)) }
      return SQLITE_OK
    }
    methods.xFileSize = { OpenFile($0).calls.xFileSize(OpenFile($0).real, $1) }
    methods.xLock = { OpenFile($0).calls.xLock(OpenFile($0).real, $1) }
    methods.xUnlock = { OpenFile($0).calls.xUnlock(OpenFile($0).real, $1) }
    methods.xCheckReservedLock = { OpenFile($0).calls.xCheckReservedLock(OpenFile($0).real, $1) }
    methods.xFileControl = { OpenFile($0).calls.xFileControl(OpenFile($0).real, $1, $2) }
    methods.xSectorSize = { OpenFile($0).calls.xSectorSize(OpenFile($0).real) }
    methods.xDeviceCharacteristics = { OpenFile($0).calls.xDeviceCharacteristics(OpenFile($0).real) }
    methods.xShmMap = { file, page, size, extend, memory in
      let open = OpenFile(file)
      if open.fails(.map) { return SQLITE_IOERR | 21 << 8 }
      return open.calls.xShmMap(open.real, page, size, extend, memory)
    }
    methods.xShmLock = { OpenFile($0).calls.xShmLock(OpenFile($0).real, $1, $2, $3) }
    methods.xShmBarrier = { OpenFile($0).calls.xShmBarrier(OpenFile($0).real) }
    methods.xShmUnmap = { OpenFile($0).calls.xShmUnmap(OpenFile($0).real, $1) }
    let made = UnsafeMutablePointer<sqlite3_io_methods>.allocate(capacity: 1)
    made.initialize(to: methods)
    return UnsafePointer(made)
  }()
}
