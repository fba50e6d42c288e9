internal import CLinux
internal import GatewayCore
internal import Glibc
internal import NIOCore
internal import Synchronization

/// Gives finished uploads of one store their final places, all that wait at the same time together: so many small uploads
/// share the disk's flushes, as calls of the ledger share commits.
///
/// In this order: the bytes of all are synced, their records too, all are moved, the folders are synced, all are answered.
/// What fails for one of them fails for that one.
final class PublishingQueue: Sendable {
  private struct Entry: Sendable {
    let file: PartialFile
    let eventLoop: any EventLoop
    let then: @Sendable (Result<SinkResult, SinkFailure>) -> Void
  }

  private struct State {
    var waiting: [Entry] = []
    var isRunning = false
  }

  /// Files in one go. Bounds how long one of them can wait for the others.
  private static let batchLimit = 64

  private let place: StorePlace
  private let threads: StoreThreads
  /// Of the folders that the store has now.
  private let groupSync: Mutex<GroupSync>
  private let beforeNames: @Sendable (UInt64?) throws(SinkFailure) -> Void
  private let observer: (any StoreObserver)?
  private let state = Mutex(State())

  init(
    place: StorePlace, threads: StoreThreads,
    beforeNames: @escaping @Sendable (UInt64?) throws(SinkFailure) -> Void, observer: (any StoreObserver)?
  ) {
    self.place = place
    self.threads = threads
    self.beforeNames = beforeNames
    self.observer = observer
    groupSync = Mutex(GroupSync(directory: place.directory, observer: observer))
  }

  /// Publishes a file in which nothing else goes on any more, and says so on the event loop. After a failure it is where
  /// it was.
  func publish(
    _ file: PartialFile, on eventLoop: any EventLoop,
    then: @escaping @Sendable (Result<SinkResult, SinkFailure>) -> Void
  ) {
    let isRunnerWanted = state.withLock { state in
      state.waiting.append(Entry(file: file, eventLoop: eventLoop, then: then))
      defer { state.isRunning = true }
      return !state.isRunning
    }
    guard isRunnerWanted else { return }
    let asked = observer.map { _ in ContinuousClock.now }
    threads.submit { isActive in
      if let asked { self.observer?.jobWaited(.now - asked) }
      self.run(isActive: isActive)
    }
  }

  private func run(isActive: Bool) {
    while true {
      // An upload that goes with the next flush costs less than one that waits for the flush after it.
      sluice_let_others_go_first(8)
      let batch = state.withLock { state in
        let batch = Array(state.waiting.prefix(Self.batchLimit))
        state.waiting.removeFirst(batch.count)
        if batch.isEmpty { state.isRunning = false }
        return batch
      }
      guard !batch.isEmpty else { return }
      let results =
        isActive ? publish(batch.map(\.file)) : batch.map { _ in .failure(StoreThreads.stopped) }
      deliver(zip(batch, results).map { ($0, $1) })
    }
  }

  /// One hop to each event loop.
  private func deliver(_ answers: [(Entry, Result<SinkResult, SinkFailure>)]) {
    for (_, group) in Dictionary(grouping: answers, by: { ObjectIdentifier($0.0.eventLoop) }) {
      group[0].0.eventLoop.execute {
        for (entry, result) in group { entry.then(result) }
      }
    }
  }

  private func publish(_ files: [PartialFile]) -> [Result<SinkResult, SinkFailure>] {
    var failures = [SinkFailure?](repeating: nil, count: files.count)
    func step(_ index: Int, _ body: () throws(SinkFailure) -> Void) {
      guard failures[index] == nil else { return }
      do throws(SinkFailure) { try body() } catch { failures[index] = error }
    }
    for (index, file) in files.enumerated() {
      step(index) { () throws(SinkFailure) in if !file.isSynced { try file.complete() } }
    }
    let unsynced = files.indices.filter { failures[$0] == nil && !files[$0].isSynced }
    let synced = currentGroupSync().sync(unsynced.map { files[$0] }, failed: { failures[unsynced[$0]] = $1 })
    if failures.contains(where: { $0 == nil }) {
      do throws(SinkFailure) { try beforeNames(synced) } catch { failures = failures.map { $0 ?? error } }
    }
    var folders: [CompleteFolder?] = files.map { _ in nil }
    checkPlaces(of: files.indices.filter { failures[$0] == nil }.map { (files[$0], $0) }) { failures[$0] = $1 }
    for (index, file) in files.enumerated() {
      step(index) { () throws(SinkFailure) in folders[index] = try file.moveIntoPlace() }
    }
    func takeBack(_ index: Int, _ failure: SinkFailure) {
      if let folder = folders[index] { files[index].moveBack(from: folder) }
      folders[index] = nil
      failures[index] = failure
    }
    syncFolders(folders, failed: takeBack)
    // A name in a folder that was moved away meanwhile is not the one that the upload is to be found under.
    checkPlaces(of: files.indices.filter { folders[$0] != nil }.map { (files[$0], $0) }, failed: takeBack)
    return files.indices.map { index in
      failures[index].map { .failure($0) } ?? .success(files[index].published())
    }
  }

  /// Looks once at the folders of many files.
  private func checkPlaces(of files: [(PartialFile, Int)], failed: (Int, SinkFailure) -> Void) {
    var last: (directory: StoreDirectory, failure: SinkFailure?)?
    for (file, index) in files {
      if last?.directory !== file.directory {
        var failure: SinkFailure?
        do throws(SinkFailure) { try place.check(file.directory) } catch { failure = error }
        last = (file.directory, failure)
      }
      if let failure = last?.failure { failed(index, failure) }
    }
  }

  private func currentGroupSync() -> GroupSync {
    groupSync.withLock { groupSync in
      let directory = place.directory
      if groupSync.directory !== directory { groupSync = GroupSync(directory: directory, observer: observer) }
      return groupSync
    }
  }

  /// Makes the names durable. That the old ones are gone need not be: where both came back after a power cut, recovery
  /// removes the one of an upload that is complete.
  private func syncFolders(_ folders: [CompleteFolder?], failed: (Int, SinkFailure) -> Void) {
    var groups: [CInt: [Int]] = [:]
    for (index, folder) in folders.enumerated() {
      guard let folder else { continue }
      // Those below the store's own are opened for each upload; syncing one again finds nothing to do.
      groups[folder.descriptor, default: []].append(index)
    }
    for indices in groups.values {
      do throws(SinkFailure) {
        try folders[indices[0]]?.sync()
      } catch {
        for index in indices { failed(index, error) }
      }
    }
  }
}
