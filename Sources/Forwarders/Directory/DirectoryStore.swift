public import GatewayCore
public import NIOCore

/// Keeps uploads as files: `DIRECTORY/KEY` once they are complete, or the name that a template makes, with `.gz` where
/// they are squeezed; `DIRECTORY/.partial/KEY` until then.
///
/// A complete file has mode 0640, an unfinished one 0600 in a folder with mode 0700. All folders are on one file system,
/// so that an upload gets its final name in one step, whole and durable, and never over a file that is there.
public struct DirectoryStore: Forwarder {
  let settings: Settings
  let directory: StoreDirectory
  let threads: StoreThreads
  let room: DiskRoom
  let book = NameBook()
  let publishing: PublishingQueue

  /// Opens the store and makes its folders where they are missing (not the folders above); blocks.
  ///
  /// - Parameters:
  ///   - settings: no other store may have its directory while this one, or a sink of it, lives.
  ///   - threads: shared by all stores of the process, and started before the first sink.
  ///   - beforeNames: called on a store thread before files get their final names: makes the records of their uploads
  ///     survive a power cut, without which nobody would know whose the files are. Where it throws, they get none. It
  ///     gets the number (`st_dev`) of the store's file system where that was synced as a whole for these files, with
  ///     all that was written to it before they were finished; else `nil`.
  /// - Throws: ``SinkFailure/storage(_:)`` with the path and what to do, where files cannot be made or moved there.
  public init(
    _ settings: Settings, threads: StoreThreads,
    beforeNames: @escaping @Sendable (UInt64?) throws(SinkFailure) -> Void = { _ in }
  ) throws(SinkFailure) {
    self.settings = settings
    self.directory = try StoreDirectory(path: settings.directory)
    self.threads = threads
    self.room = DiskRoom(directory: directory, minFree: settings.minFree)
    self.publishing = PublishingQueue(directory: directory, threads: threads, beforeNames: beforeNames)
  }

  /// A sink that writes to a file.
  ///
  /// It says ``SinkEvent/failed(_:)`` in place of ``SinkEvent/opened`` where the file has fewer than `offset` bytes.
  public func makeSink(
    for upload: SinkUpload, from offset: Int64, on eventLoop: any EventLoop, onEvent: @escaping (SinkEvent) -> Void
  ) -> any Sink {
    eventLoop.preconditionInEventLoop()
    book.note(finalPlace(NameFacts(upload)), of: upload.key)
    let file = PartialFile(store: self, upload: upload, offset: offset)
    return DirectorySink(file: file, threads: threads, eventLoop: eventLoop, onEvent: onEvent)
  }

  /// How many of the next `bytes` fit on the disk beside ``Settings/minFree`` and what others were promised. Fails with
  /// ``SinkFailure``.
  public func promise(_ bytes: Int64, to key: UploadKey, on eventLoop: any EventLoop) -> EventLoopFuture<Int64> {
    if let little = room.promiseLittle(bytes, to: key) { return eventLoop.makeSucceededFuture(little) }
    return run(on: eventLoop) { [room] () throws(SinkFailure) in try room.promise(bytes, to: key) }
  }

  /// The space may be promised to others again.
  public func takeBackPromise(_ key: UploadKey) {
    room.release(key)
  }

  /// Removes the file of an unfinished upload, durably. Fails with ``SinkFailure``.
  public func discard(_ key: UploadKey, on eventLoop: any EventLoop) -> EventLoopFuture<Void> {
    run(on: eventLoop) { [self] () throws(SinkFailure) in
      // The ledger has no record any more: this is the last that is heard of the key, also where the removal fails.
      defer {
        room.release(key)
        book.forget(key)
      }
      try directory.removeUnsettled(
        key, final: book.place(of: key) ?? settings.name.placeByKey(key, suffix: settings.suffix))
    }
  }

  /// Removes what belongs to no open upload, and looks at what each of them has.
  public func recover(_ unfinished: [UploadRecord]) throws -> [UploadKey: RecoveredUpload] {
    try recoverFiles(unfinished)
  }

  /// Of squeezed files: bytes of the upload in one member.
  var memberSize: Int { MemberLine.memberSize(window: settings.window, processors: threads.cores) }

  func finalPlace(_ facts: NameFacts) -> FinalPlace {
    settings.name.place(for: facts, suffix: settings.suffix)
  }

  /// Space is set aside in the file itself where its size is known.
  func preallocates(_ upload: SinkUpload) -> Bool {
    settings.engine == nil && upload.total != nil
  }

  private func run<Outcome: Sendable>(
    on eventLoop: any EventLoop, _ job: @escaping @Sendable () throws(SinkFailure) -> Outcome
  ) -> EventLoopFuture<Outcome> {
    let promise = eventLoop.makePromise(of: Outcome.self)
    threads.run(job, on: eventLoop) { result in promise.completeWith(result.mapError { $0 as any Error }) }
    return promise.futureResult
  }
}
