internal import GatewayCore
internal import Glibc

// How a sink begins with an upload that another connection had. That one may have been stopped at any step.
extension PartialFile {
  /// What an earlier connection left.
  enum Opening: Sendable {
    /// An unfinished file, which is open now.
    case unfinished(Progress)
    /// All of it, in its final place and safe; only the ledger was not told.
    case finished(NameBook.Finished)
  }

  /// Opens the file, unless nothing is left to do for it.
  func takeUp() throws(SinkFailure) -> Opening {
    if let finished = try finishedEarlier() {
      store.space.forget(upload.key)
      store.book.finished(upload.key, finished)
      return .finished(finished)
    }
    return .unfinished(try open())
  }

  private func finishedEarlier() throws(SinkFailure) -> NameBook.Finished? {
    // Also where its consumer has taken the file away since.
    if let finished = store.book.finished(upload.key) { return finished }
    guard let folder = try directory.folder(of: form.place) else { return nil }
    let shown = directory.completePlace(upload.key)
    guard let final = try directory.status(of: form.place.name, in: folder.descriptor, shown: shown), final.isPlain
    else { return nil }
    let unfinished = try directory.status(of: upload.key.text, in: directory.partial, shown: place)
    if let unfinished, unfinished.inode != final.inode { return nil }
    if store.book.isDoubtful(upload.key) {
      // Its folder's sync has failed, and another one would say nothing of what that has lost: it is moved anew.
      moveBack(from: folder)
      guard !store.book.isDoubtful(upload.key) else {
        throw .storage("\(shown) has a final name that is not safe, and cannot be moved back to \(place)")
      }
      return nil
    }
    let size = try store.completeSize(of: upload.key, total: upload.facts.total, final, form)
    guard size >= written else { return nil }
    try store.place.check(directory)
    try folder.sync()
    if unfinished != nil { unlinkat(directory.partial, upload.key.text, 0) }
    return NameBook.Finished(
      size: size,
      result: SinkResult(
        digest: upload.facts.digest, stored: form.isCompressed ? final.size : nil, location: form.place.path,
        isProvableFromDisk: true))
  }
}
