import Synchronization
public import XStream

/// Keeps one upload in a ``StateFolder`` while it runs: its key before the first byte is sent, and what is sent before
/// it is. What cannot be kept stops no upload; whoever runs it gives it up then, should it not be completed.
public final class UploadKeeper: Sendable {
  private struct State {
    var record: StateFolder.Record?
    var proofs: ProofFile?
    var latest: PrefixProof?
    var problem: String?
  }

  private let folder: StateFolder
  private let file: FileIdentity
  private let url: UploadURL
  private let format: StreamFormat
  private let state: Mutex<State>

  /// Keeps the uploads of one file to one URL.
  public init(_ folder: StateFolder, file: FileIdentity, url: UploadURL, format: StreamFormat) {
    (self.folder, self.file, self.url, self.format) = (folder, file, url, format)
    state = Mutex(State())
  }

  /// The upload goes on with what an earlier run kept.
  public func goesOn(with record: StateFolder.Record, proof: PrefixProof?) {
    state.withLock { state in
      state.record = record
      state.latest = proof
      guard record.file.path == file.path else { return }
      state.proofs = try? folder.proofs(of: record)
    }
  }

  /// The server offered to take bytes under the key.
  ///
  /// - Parameters:
  ///   - key: ``UploadOffer/key``.
  ///   - dialect: ``UploadOffer/dialect``.
  public func offered(_ key: UploadHandle, dialect: String? = nil) {
    state.withLock { state in
      guard state.record?.key != key.text || state.record?.file.path != file.path || state.proofs == nil else { return }
      let earlier = state.record
      let record = StateFolder.Record(file: file, url: url, key: key, format: format, dialect: dialect)
      do throws(StateFolderError) {
        try folder.keep(record)
        state.record = record
        let proofs = try folder.proofs(of: record)
        state.proofs = proofs
        if let latest = state.latest { try proofs.write(latest) }
        // The file has moved, and its upload with it.
        if let earlier, earlier.file.path != file.path, let key = UploadHandle(earlier.key) {
          folder.remove(key, ofFileAt: earlier.file.path, url: url)
        }
      } catch {
        fail(error, &state)
      }
    }
  }

  /// So much of the file will have been sent.
  public func sending(_ proof: PrefixProof) {
    state.withLock { state in
      state.latest = proof
      guard let proofs = state.proofs else { return }
      do throws(StateFolderError) {
        try proofs.write(proof)
      } catch {
        fail(error, &state)
      }
    }
  }

  /// A later run is not able to go on with the upload, and why.
  public var problem: String? { state.withLock { $0.problem } }

  /// Whether a later run finds this key.
  public func keeps(_ key: UploadHandle) -> Bool {
    folder.record(ofFileAt: file.path, url: url)?.key == key.text
  }

  /// Nobody will go on with the upload.
  public func forget(_ key: UploadHandle) {
    let path = state.withLock { state in
      state.proofs = nil
      return state.record?.file.path
    }
    folder.remove(key, ofFileAt: file.path, url: url)
    if let path, path != file.path { folder.remove(key, ofFileAt: path, url: url) }
  }

  private func fail(_ error: StateFolderError, _ state: inout State) {
    state.problem = state.problem ?? error.description
    // A stale proof would be of too few bytes.
    state.proofs = nil
  }
}
