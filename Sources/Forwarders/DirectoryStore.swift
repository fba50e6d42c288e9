public import GatewayCore
public import NIOCore

/// Keeps uploads as files: `DIRECTORY/KEY` once they are complete, `DIRECTORY/.partial/KEY` until then.
///
/// A complete file has mode 0640, an unfinished one 0600 in a folder with mode 0700. Both folders are on one file system,
/// so that an upload gets its final name in one step, whole and durable, and never over a file that is there.
public struct DirectoryStore: Forwarder {
  let directory: StoreDirectory
  let threads: StoreThreads

  /// Opens the store and makes its folders where they are missing (not the folders above); blocks.
  ///
  /// - Parameters:
  ///   - settings: no other store may have its directory while this one, or a sink of it, lives.
  ///   - threads: shared by all stores of the process, and started before the first sink.
  /// - Throws: ``SinkFailure/storage(_:)`` with the path and what to do, where files cannot be made or moved there.
  public init(_ settings: Settings, threads: StoreThreads) throws(SinkFailure) {
    self.directory = try StoreDirectory(path: settings.directory)
    self.threads = threads
  }

  /// A sink that writes to a file.
  ///
  /// It says ``SinkEvent/failed(_:)`` in place of ``SinkEvent/opened`` where the file has fewer than `offset` bytes.
  public func makeSink(
    for upload: SinkUpload, from offset: Int64, on eventLoop: any EventLoop, onEvent: @escaping (SinkEvent) -> Void
  ) -> any Sink {
    eventLoop.preconditionInEventLoop()
    let file = PartialFile(directory: directory, upload: upload, offset: offset)
    return DirectorySink(file: file, threads: threads, eventLoop: eventLoop, onEvent: onEvent)
  }

  /// Removes the file of an unfinished upload, durably. Fails with ``SinkFailure``.
  public func discard(_ key: UploadKey, on eventLoop: any EventLoop) -> EventLoopFuture<Void> {
    let promise = eventLoop.makePromise(of: Void.self)
    threads.run(
      { [directory] () throws(SinkFailure) in
        try directory.removeUnsettled(key)
      }, on: eventLoop
    ) { result in
      promise.completeWith(result.mapError { $0 as any Error })
    }
    return promise.futureResult
  }

  /// Removes what belongs to no open upload, and looks at what each of them has.
  public func recover(_ unfinished: [UploadRecord]) throws -> [UploadKey: RecoveredUpload] {
    try directory.recover(unfinished)
  }
}
