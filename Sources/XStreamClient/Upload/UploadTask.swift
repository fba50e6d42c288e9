/// An upload that was started: its progress and events while it runs, and its outcome.
///
/// ```swift
/// let upload = client.start(.file("film.mov"), to: url)
/// for await progress in upload.progress { show(progress.fraction) }
/// let outcome = try await upload.outcome
/// ```
///
/// Nobody has to read the sequences. An upload that nobody asks any more goes on; ``cancel()`` stops it, and so does a
/// cancelled task that waits for ``outcome``.
public struct UploadTask: Sendable {
  /// How far the upload is, for one reader: the newest only, at most ten times a second. It ends with the upload, and its last
  /// element is how far that got.
  public let progress: AsyncStream<UploadProgress>
  /// All that happens, for one reader: offers, lost connections, tries to come, and progress too.
  public let events: TransferEvents
  private let task: Task<Result<UploadOutcome, UploadError>, Never>

  init(
    _ upload:
      @escaping @Sendable (@escaping @Sendable (TransferEvent) -> Void) async -> Result<UploadOutcome, UploadError>
  ) {
    let queue = EventQueue()
    let (progress, newest) = AsyncStream.makeStream(of: UploadProgress.self, bufferingPolicy: .bufferingNewest(1))
    self.progress = progress
    events = TransferEvents(queue: queue)
    task = Task {
      let result = await upload { event in
        if case .progress(let progress) = event { newest.yield(progress) }
        queue.add(event)
      }
      newest.finish()
      queue.end()
      return result
    }
  }

  /// What the upload came to. It may be asked for any number of times.
  ///
  /// - Throws: ``UploadError``, as ``UploadClient/upload(_:to:options:onEvent:)-(_,UploadURL,_,_)`` does.
  public var outcome: UploadOutcome {
    get async throws(UploadError) {
      let task = task
      return try await withTaskCancellationHandler {
        await task.value
      } onCancel: {
        task.cancel()
      }.get()
    }
  }

  /// Stops the upload. What the server has safe stays so, and a later upload can go on with it.
  public func cancel() { task.cancel() }
}

extension UploadClient {
  /// Starts an upload, and returns at once. Progress and outcome are the ``UploadTask``'s.
  ///
  /// A program that wants nothing but the end calls ``upload(_:to:options:onEvent:)-(_,UploadURL,_,_)``.
  public func start(
    _ source: UploadSource, to url: UploadURL, options: UploadOptions = UploadOptions()
  ) -> UploadTask {
    UploadTask { onEvent in
      do throws(UploadError) {
        return .success(try await upload(source, to: url, options: options, onEvent: onEvent))
      } catch {
        return .failure(error)
      }
    }
  }
}
