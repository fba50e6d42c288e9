internal import GatewayCore
internal import Glibc
internal import Synchronization

/// The space of a store's file system: asks the system what is free, and keeps to what ``ReservedSpace`` says of it.
final class SpaceReservations: Sendable {
  /// A reservation of less than this...
  private static let smallReservation: Int64 = 1 << 20
  /// ...needs no new reading while the last one is as fresh as this...
  private static let freshness = Duration.milliseconds(200)
  /// ...and left so much beyond all reservations, in bytes.
  private static let ample: Int64 = 4 << 30
  /// Writing stops there at the latest, in bytes.
  private static let largestFloor: Int64 = 64 << 20

  private let place: StorePlace
  private let leastFree: Mutex<Int64?>
  /// `nil` for ``automatic(size:)``. A reload may change it.
  var minFree: Int64? {
    get { leastFree.withLock { $0 } }
    set { leastFree.withLock { $0 = newValue } }
  }
  /// The file system that the store is on, and the one before: a store that was mounted anew may be on another one by
  /// number, and what was reserved of the first is released there.
  private struct Current {
    var directory: StoreDirectory
    var fileSystem: FileSystemSpace
    var former: FileSystemSpace?
  }

  private let current: Mutex<Current>

  init(place: StorePlace, minFree: Int64?) throws(SinkFailure) {
    self.place = place
    leastFree = Mutex(minFree)
    let directory = place.directory
    current = Mutex(Current(directory: directory, fileSystem: try Self.fileSystem(of: directory)))
  }

  private static func fileSystem(of directory: StoreDirectory) throws(SinkFailure) -> FileSystemSpace {
    var status = stat()
    guard fstat(directory.partial, &status) == 0 else { throw .system("looking at", directory.path, errno) }
    return .of(device: UInt64(status.st_dev))
  }

  private var fileSystem: FileSystemSpace { current.withLock { $0.fileSystem } }

  /// The store's folders of today.
  private func directoryOfToday() throws(SinkFailure) -> StoreDirectory {
    let directory = place.directory
    guard current.withLock({ $0.directory !== directory }) else { return directory }
    let fileSystem = try Self.fileSystem(of: directory)
    current.withLock { current in
      if current.fileSystem !== fileSystem { current.former = current.fileSystem }
      (current.directory, current.fileSystem) = (directory, fileSystem)
    }
    return directory
  }

  /// What uploads leave free where nobody says how much: a twentieth of the file system, 1 GiB at least and 50 GiB at most,
  /// but never more than a quarter, or small ones would take nothing.
  static func automatic(size: Int64) -> Int64 {
    min(max(size / 20, 1 << 30), 50 << 30, size / 4)
  }

  // MARK: Reservations

  /// As much of what is wanted as may be offered; it replaces what was reserved for the upload before, or is more. Blocks.
  func reserve(_ request: SpaceRequest) throws(SinkFailure) -> Result<Int64, SpaceShortage> {
    let directory = try directoryOfToday()
    let fileSystem = fileSystem
    let arrived = fileSystem.withState { $0.reserved.arrived }
    let space = try askForSpace(in: directory)
    return fileSystem.withState { state in
      // What has arrived since may be in the reading or not.
      let free = max(0, space.available - (state.reserved.arrived - arrived))
      state.reading = FileSystemSpace.Reading(free: free, size: space.size, at: .now)
      return state.reserved.reserve(request, free: max(0, free - space.reserve))
    }
  }

  /// Reserves a little at once, where there was ample space a moment ago; `nil` where it has to be looked at anew. Does
  /// not block.
  func reserveLittle(_ request: SpaceRequest) -> Int64? {
    guard (0...Self.smallReservation).contains(request.bytes) else { return nil }
    return fileSystem.withState { state in
      guard !state.reserved.hasReservation(request.key), let spare = spare(state), spare > Self.ample else {
        return nil
      }
      return try? state.reserved.reserve(request, free: spare + state.reserved.outstanding).get()
    }
  }

  /// The upload was offered no more.
  func limit(to bytes: Int64, of key: UploadKey) {
    fileSystem.withState { $0.reserved.limit(to: bytes, of: key) }
  }

  /// Nothing more is reserved. What has arrived stays its client's.
  func release(_ key: UploadKey) { inBoth { $0.release(key) } }

  /// The upload is complete, or nothing is left of it.
  func forget(_ key: UploadKey) { inBoth { $0.forget(key) } }

  private func inBoth(_ change: (inout ReservedSpace) -> Void) {
    let (fileSystem, former) = current.withLock { ($0.fileSystem, $0.former) }
    fileSystem.withState { change(&$0.reserved) }
    former?.withState { change(&$0.reserved) }
  }

  /// So many bytes are there of an unfinished upload that was begun earlier.
  func found(_ bytes: Int64, of key: UploadKey, by subject: String) {
    fileSystem.withState { $0.reserved.found(bytes, of: key, by: subject) }
  }

  /// What is free for whoever writes, and what of it is promised, in bytes. Blocks.
  func look() throws(SinkFailure) -> (free: Int64, reserved: Int64) {
    let space = try askForSpace(in: directoryOfToday())
    return (space.available, fileSystem.withState { $0.reserved.outstanding })
  }

  /// Throws where the file system takes no writes, as after its disk has failed. Blocks.
  func checkWritable() throws(SinkFailure) {
    let directory = try directoryOfToday()
    var status = statvfs()
    guard uninterrupted({ fstatvfs(directory.partial, &status) }) == 0 else {
      throw .system("looking at", directory.path, errno)
    }
    guard status.f_flag & UInt(ST_RDONLY) == 0 else {
      throw .storage("the store \(directory.path) is on a file system that is mounted read-only")
    }
  }

  // MARK: The upload's file

  /// The file has `count` bytes of the upload more.
  func wrote(_ count: Int64, of key: UploadKey) {
    guard count > 0 else { return }
    fileSystem.withState { $0.reserved.wrote(count, of: key) }
  }

  /// How many bytes a file may take of the disk, `count` of them now. Blocks.
  ///
  /// Others may fill the disk in spite of all reservations: the last of it is not an upload's, but the ledger's, and whoever has to
  /// clear up.
  ///
  /// - Throws: ``SinkFailure/full`` where it may not even take `count`.
  func space(for count: Int64) throws(SinkFailure) -> Int64 {
    if count <= Self.ample / 4, fileSystem.withState({ spare($0) ?? 0 }) > Self.ample { return Self.ample / 2 }
    let space = try askForSpace(in: place.directory)
    fileSystem.withState {
      $0.reading = FileSystemSpace.Reading(free: space.available, size: space.size, at: .now)
    }
    let floor = min(space.reserve / 2, Self.largestFloor)
    guard space.available - count >= floor else { throw .full }
    return space.available - floor
  }

  /// Bytes that may be set aside for an upload beyond those that it is writing.
  func outstanding(of key: UploadKey) -> Int64 {
    fileSystem.withState { $0.reserved.outstanding(of: key) }
  }

  /// So many bytes more were set aside in the upload's file.
  func setAside(_ count: Int64, of key: UploadKey) {
    fileSystem.withState { $0.reserved.setAside(count, of: key) }
  }

  /// What was left a moment ago beyond all reservations, in bytes; `nil` where nobody has looked for longer.
  private func spare(_ state: FileSystemSpace.State) -> Int64? {
    guard let reading = state.reading, .now - reading.at < Self.freshness else { return nil }
    return reading.free - state.reserved.outstanding - (minFree ?? Self.automatic(size: reading.size))
  }

  private struct FoundSpace {
    var available: Int64
    var size: Int64
    /// What uploads leave.
    var reserve: Int64
  }

  private func askForSpace(in directory: StoreDirectory) throws(SinkFailure) -> FoundSpace {
    var status = statvfs()
    guard uninterrupted({ fstatvfs(directory.partial, &status) }) == 0 else {
      throw .system("asking for the free space of", directory.path, errno)
    }
    let block = Int64(clamping: status.f_frsize)
    let size = Int64(clamping: status.f_blocks).timesClamped(block)
    return FoundSpace(
      available: Int64(clamping: status.f_bavail).timesClamped(block), size: size,
      reserve: minFree ?? Self.automatic(size: size))
  }
}

extension Int64 {
  /// The product, or a number that is far from overflowing. Neither factor is negative.
  fileprivate func timesClamped(_ other: Int64) -> Int64 {
    let (product, overflow) = multipliedReportingOverflow(by: other)
    return overflow ? 1 << 60 : Swift.min(product, 1 << 60)
  }
}
