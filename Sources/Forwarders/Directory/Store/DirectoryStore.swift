package import GatewayCore
package import NIOCore

/// Keeps uploads as files: `DIRECTORY/KEY` once they are complete, or the name that a template makes, with `.gz` where
/// they are compressed; `DIRECTORY/.partial/KEY` until then.
///
/// A complete file has mode 0640, an unfinished one 0600 in a folder with mode 0700. All folders are on one file system,
/// so that an upload gets its final name in one step, whole and durable, and never over a file that is there.
package struct DirectoryStore: Forwarder {
  private(set) var settings: Settings
  let place: StorePlace
  let threads: StoreThreads
  let space: SpaceReservations
  let book = NameBook()
  let publishing: PublishingQueue
  let departures = WatchHolder()
  /// Hears how the disk does.
  package let observer: (any StoreObserver)?
  /// Judges what is whole; `nil` where nobody does.
  let check: (any FileCheck)?

  /// Opens the store and makes its folders where they are missing (not the folders above); blocks.
  ///
  /// - Parameters:
  ///   - settings: no other store may have its directory while this one, or a sink of it, lives.
  ///   - threads: shared by all stores of the process, and started before the first sink.
  ///   - beforeNames: called on a store thread before files get their final names: makes the records of their uploads
  ///     survive a power cut, without which nobody would know whose the files are. Where it throws, they get none. It
  ///     gets the number (`st_dev`) of the store's file system where that was synced as a whole for these files, with
  ///     all that was written to it before they were finished; else `nil`.
  ///   - onPresence: called on any thread, once when the store's folder is not in its place any more, and once when it is.
  ///   - observer: hears how the disk does; without one nothing is measured.
  ///   - check: judges what is whole before it gets its final name; `nil` where nobody does.
  /// - Throws: ``SinkFailure/storage(_:)`` with the path and what to do, where files cannot be made or moved there.
  package init(
    _ settings: Settings, threads: StoreThreads,
    beforeNames: @escaping @Sendable (UInt64?) throws(SinkFailure) -> Void = { _ in },
    onPresence: @escaping @Sendable (StorePresence) -> Void = { _ in }, observer: (any StoreObserver)? = nil,
    check: (any FileCheck)? = nil
  ) throws(SinkFailure) {
    self.settings = settings
    let place = try StorePlace(settings, onPresence: onPresence)
    self.place = place
    self.threads = threads
    self.observer = observer
    self.check = check
    self.space = try SpaceReservations(place: place, minFree: settings.minFree)
    self.publishing = PublishingQueue(place: place, threads: threads, beforeNames: beforeNames, observer: observer)
  }

  /// The same store under other terms, which are those of uploads and connections that begin from now on. Both have the same
  /// files, and either may be asked about any upload.
  ///
  /// - Parameter settings: with the same directory. Their ``Settings/minFree`` is that of both from now on.
  package func taking(_ settings: Settings) -> DirectoryStore {
    precondition(settings.directory == self.settings.directory, "a store cannot be told to be elsewhere")
    var store = self
    store.settings = settings
    space.minFree = settings.minFree
    return store
  }

  /// The folders that uploads begin in.
  var directory: StoreDirectory { place.directory }

  /// Another process looks after the folder from now on.
  package func handOver() { directory.giveUpClaim() }

  /// Gives a store that has no mark one, durably.
  package func mark(with mark: StoreMark) throws(SinkFailure) {
    try mark.write(into: directory.partial, replacing: false, shown: directory.partialPath)
    place.set(mark)
  }

  /// Says what mark the store has.
  package func isMarked(with mark: StoreMark) {
    place.set(mark)
  }

  /// Whether the file is compressed, what it is called, and whether it has a sidecar.
  package func initialState(of upload: SinkUpload) -> String? {
    var form = settings.form(ofNew: upload.facts)
    if upload.facts.role != .part { form.place.folders.insert(contentsOf: upload.folders, at: 0) }
    return form.text(of: upload.key)
  }

  /// A sink that writes to a file.
  ///
  /// It says ``SinkEvent/failed(_:)`` in place of ``SinkEvent/opened`` where the file has fewer than `offset` bytes.
  package func makeSink(
    for upload: SinkUpload, from offset: Int64, on eventLoop: any EventLoop, onEvent: @escaping (SinkEvent) -> Void
  ) -> any Sink {
    eventLoop.preconditionInEventLoop()
    let file = PartialFile(store: self, upload: upload, offset: offset)
    book.note(file.form, of: upload.key)
    return DirectorySink(file: file, eventLoop: eventLoop, onEvent: onEvent)
  }

  /// What fits on the disk beside ``Settings/minFree`` and what is reserved for the uploads of all stores there, and is the
  /// client's share of that. Fails with ``SpaceShortage`` and ``SinkFailure``.
  package func reserveSpace(_ request: SpaceRequest, on eventLoop: any EventLoop) -> EventLoopFuture<Int64> {
    if place.wasThereJustNow, let little = space.reserveLittle(request) {
      return eventLoop.makeSucceededFuture(little)
    }
    return run(on: eventLoop) { [place, space, book, observer] () throws(SinkFailure) in
      try place.checkForNew()
      // What is there already needs no space, and a full disk is not to keep its client from hearing so.
      if book.finished(request.key) != nil { return Result<Int64, SpaceShortage>.success(request.bytes) }
      let reserved = try space.reserve(request)
      if case .failure = reserved { observer?.spaceRefused(request) }
      return reserved
    }.flatMapThrowing { try $0.get() }
  }

  /// The rest may be reserved for others again.
  package func limitReservedSpace(to bytes: Int64, of key: UploadKey) {
    space.limit(to: bytes, of: key)
  }

  /// What is free on the store's file system, and what of that is promised to uploads, in bytes. Blocks.
  package func room() throws(SinkFailure) -> (free: Int64, reserved: Int64) { try space.look() }

  /// Whether files can be written here, as far as can be known without writing one. Blocks.
  ///
  /// - Throws: ``SinkFailure/storage(_:)`` with what is wrong.
  package func checkWritable() throws(SinkFailure) {
    try place.checkForNew()
    try space.checkWritable()
  }

  /// Removes the file of an unfinished upload, durably. Fails with ``SinkFailure``.
  package func discard(_ key: UploadKey, on eventLoop: any EventLoop) -> EventLoopFuture<Void> {
    run(on: eventLoop) { [self] () throws(SinkFailure) in
      // The ledger has no record any more: this is the last that is heard of the key, also where the removal fails.
      defer {
        space.forget(key)
        book.forget(key)
      }
      try directory.removeIncomplete(
        key,
        form: book.form(of: key)
          ?? settings.name.placeByKey(key, suffix: settings.suffix).map {
            StoredForm(isCompressed: settings.engine != nil, hasSidecar: settings.metadata == .sidecar, place: $0)
          })
    }
  }

  /// Removes the file of an upload that was complete, and its sidecar, durably: by the name that the ledger has. Fails with
  /// ``SinkFailure``, also while the store is not in its place.
  package func remove(_ upload: UploadRecord, on eventLoop: any EventLoop) -> EventLoopFuture<Void> {
    run(on: eventLoop) { [self] () throws(SinkFailure) in
      try place.checkForNew()
      for form in try settings.possibleForms(of: upload) {
        try directory.removeIncomplete(upload.key, form: form)
        // Also where nothing was there: an attempt before may have removed it and have been stopped before it was durable.
        try directory.folder(of: form.place)?.sync()
      }
      book.forget(upload.key)
    }
  }

  /// Removes what belongs to no open upload, and looks at what each of them has.
  ///
  /// It reads folders and files, which may take long, and runs on a thread of its own: neither an event loop nor one of the
  /// few threads that all asynchronous tasks share waits for it.
  package func recover(_ unfinished: [UploadRecord], besides others: Set<UploadKey>) async throws -> RecoveredPlace {
    try await StoreThreads.onOwnThread { () throws(SinkFailure) in
      try self.recoverFiles(unfinished, besides: others)
    }
  }

  /// Every byte of a file can be made safe, cut again and copied, and files stay.
  package var traits: ForwarderTraits {
    ForwarderTraits(survivesRestart: true, holdsFiles: true, truncates: true, assembles: true)
  }

  /// Of compressed files: bytes of the upload in one member.
  var memberSize: Int { GzipScheduler.memberSize(window: settings.window, processors: threads.cores) }

  /// Runs `job` on a store thread, and then `then` on the event loop.
  func run<Outcome: Sendable>(
    _ job: @escaping @Sendable () throws(SinkFailure) -> Outcome, on eventLoop: any EventLoop,
    then: @escaping @Sendable (Result<Outcome, SinkFailure>) -> Void
  ) {
    guard let observer else { return threads.run(job, on: eventLoop, then: then) }
    let asked = ContinuousClock.now
    threads.run(
      { () throws(SinkFailure) in
        observer.jobWaited(.now - asked)
        return try job()
      }, on: eventLoop, then: then)
  }

  func run<Outcome: Sendable>(
    on eventLoop: any EventLoop, _ job: @escaping @Sendable () throws(SinkFailure) -> Outcome
  ) -> EventLoopFuture<Outcome> {
    let promise = eventLoop.makePromise(of: Outcome.self)
    run(job, on: eventLoop) { result in promise.completeWith(result.mapError { $0 as any Error }) }
    return promise.futureResult
  }
}
