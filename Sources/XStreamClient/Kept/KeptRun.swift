import NIOCore
import NIOPosix
import XStream

/// One upload of a file that is kept in a ``StateFolder``: it goes on with what an earlier run left, and leaves what a later
/// one goes on with. Nothing that nobody can go on with stays, neither here nor at the server.
struct KeptRun {
  let client: UploadClient
  let url: UploadURL
  let options: UploadOptions
  let folder: StateFolder
  let onEvent: @Sendable (TransferEvent) -> Void

  func run(_ source: UploadSource) async throws -> UploadOutcome {
    let file: FileToSend
    switch source.kind {
    case .path(let path): file = try await client.threads.runIfActive { try FileToSend(path) }
    case .file(let open): file = open
    case .bytes, .sequence: return try await client.carry(source, to: url, options: options, onEvent: onEvent)
    }
    guard let identity = file.identity else {
      return try await client.carry(.file(file), to: url, options: options, onEvent: onEvent)
    }
    let keeper = UploadKeeper(folder, file: identity, url: url, format: options.format)
    let earlier = try await earlier(identity, keeper)
    do {
      let outcome = try await client.carry(.file(file), to: url, options: kept(by: keeper, earlier)) { event in
        // Before the first byte is sent.
        if case .offered(let offer) = event { keeper.offered(offer.key, dialect: offer.dialect) }
        onEvent(event)
      }
      keeper.forget(outcome.key)
      return outcome
    } catch {
      let ending = await settle(UploadError(error), keeper, isResumed: earlier != nil)
      // The file is not what the earlier run sent. That run's upload is gone by now, so this happens once.
      guard earlier != nil, ending.isWorthBeginningAnew, !Task.isCancelled else { throw error }
      onEvent(.restarting(.changed))
      return try await run(source)
    }
  }

  /// What an earlier run left to go on with.
  private func earlier(
    _ identity: FileIdentity, _ keeper: UploadKeeper
  ) async throws -> (record: StateFolder.Record, proof: PrefixProof?)? {
    let (url, folder, format) = (url, folder, options.format)
    switch try await client.threads.runIfActive({ EarlierUpload(of: identity, to: url, format: format, in: folder) }) {
    case .none: return nil
    case .inUse:
      throw UploadError(
        code: .inUse, message: "Another run sends \(identity.path) to this URL just now.", isWorthAnotherTry: true)
    case .useless(let record, let key, _):
      _ = await client.giveUpSoon(key, dialect: record.dialect, at: url)
      folder.remove(key, ofFileAt: record.file.path, url: url)
      return nil
    case .goesOn(let record, let proof):
      keeper.goesOn(with: record, proof: proof)
      return (record, proof)
    }
  }

  private func kept(
    by keeper: UploadKeeper, _ earlier: (record: StateFolder.Record, proof: PrefixProof?)?
  ) -> UploadOptions {
    var options = options
    if let earlier, let handle = UploadHandle(earlier.record.key) {
      options.resume = handle.stream.map { ResumePoint(key: $0) }
      if let place = handle.url, let dialect = earlier.record.dialect {
        options.place = HTTPPlace(url: place, dialect: dialect)
      }
      options.proof = earlier.proof
    }
    let onProof = options.onProof
    options.onProof = { proof in
      keeper.sending(proof)
      onProof?(proof)
    }
    return options
  }

  /// A failed upload stays where a later run can go on with it, and is given up elsewhere.
  private func settle(_ error: UploadError, _ keeper: UploadKeeper, isResumed: Bool) async -> FailedUpload {
    let ending = FailedUpload(error, isFile: true, isResumed: isResumed)
    guard let key = error.key else { return ending }
    // Who stops an upload just as the offer comes has not heard of it.
    if !ending.isOver { keeper.offered(key, dialect: error.place?.dialect) }
    guard ending.isOver || !keeper.keeps(key) else { return ending }
    if ending.isHeld { _ = await client.giveUpSoon(key, dialect: error.place?.dialect, at: url) }
    if ending.isForgotten { keeper.forget(key) }
    return ending
  }
}
