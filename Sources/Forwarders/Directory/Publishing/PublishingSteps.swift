internal import CLinux
internal import GatewayCore
internal import Glibc

// How an unfinished file becomes a complete one. A ``PublishingQueue`` takes these steps, in this order, with many files
// at once.
extension PartialFile {
  /// Opens and writes what was gathered, where that was not done yet; then looks at the whole and gives the file the mode
  /// of a complete one.
  func complete() throws(SinkFailure) {
    if descriptor < 0 {
      _ = try open()
      if !batch.isEmpty { _ = try write() }
    }
    if let total = upload.facts.total, total != written {
      throw .storage("\(place) was to be finished with \(written) bytes, and \(total) were announced")
    }
    digest = try inspection.finish()
    if let announced = upload.facts.digest {
      guard let digest else { throw .storage("the digest of \(place) could not be computed") }
      guard digest == announced else { throw .digest(computed: digest) }
    }
    try body.finish()
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw .system("looking at", place, errno) }
    guard Int64(status.st_size) == body.fileSize else {
      throw .storage(
        "\(place) has \(status.st_size) bytes where \(body.fileSize) were written; something else changed it")
    }
    // The mode before the sync, which covers it too.
    guard fchmod(descriptor, 0o640) == 0 else { throw .system("setting the mode of", place, errno) }
  }

  /// Makes the whole durable.
  func syncWhole() throws(SinkFailure) {
    guard !isSynced else { return }
    guard store.observer.timingSync({ uninterrupted { fsync(descriptor) } }) == 0 else {
      throw .system("syncing", place, errno)
    }
    isSynced = true
  }

  /// Has the disk begin with the bytes, for a sync soon.
  func beginWriteBack() {
    _ = sluice_begin_write_back(descriptor, 0, 0)
  }

  /// The file system was synced: throws what came of this file's bytes.
  func noteSynced() throws(SinkFailure) {
    guard sluice_await_write_back(descriptor) == 0 else { throw .system("syncing", place, errno) }
    isSynced = true
  }

  /// Gives the file its final name, which is not durable yet.
  ///
  /// - Returns: the folder that has to be synced for that.
  func moveIntoPlace() throws(SinkFailure) -> CompleteFolder {
    precondition(isSynced, "a final name for bytes that are not safe")
    guard let folder = try directory.folder(of: form.place, making: true) else {
      throw .system("opening the folder of", directory.completePlace(upload.key), ENOENT)
    }
    if form.hasSidecar {
      let sidecar = Sidecar(upload, size: written, stored: stored ?? written, digest: digest, path: form.place.path)
      isSidecarLeft = true
      do throws(SinkFailure) {
        try directory.place(sidecar.text, of: upload.key, beside: form.place, in: folder)
      } catch {
        removeSidecar(in: folder, unlessBeside: true)
        throw error
      }
    }
    let code = StoreDirectory.moveNew(upload.key.text, from: directory.partial, form.place.name, to: folder.descriptor)
    guard code == 0 else {
      removeSidecar(in: folder, unlessBeside: true)
      throw .system("moving \(place) to", directory.completePlace(upload.key), code)
    }
    return folder
  }

  /// Its name could not be made durable: unfinished bytes must not stay under a final name, and a later sink must find
  /// them. Where that fails too, the next sink begins with it.
  func moveBack(from folder: CompleteFolder) {
    let code = StoreDirectory.moveNew(form.place.name, from: folder.descriptor, upload.key.text, to: directory.partial)
    store.book.setDoubtful(upload.key, code != 0)
    if code == 0 { removeSidecar(in: folder, unlessBeside: false) }
  }

  /// - Parameter unlessBeside: only where nothing has the final name: another's file keeps its sidecar.
  private func removeSidecar(in folder: CompleteFolder, unlessBeside: Bool) {
    guard form.hasSidecar else { return }
    if unlessBeside, faccessat(folder.descriptor, form.place.name, F_OK, AT_SYMLINK_NOFOLLOW) == 0 {
      isSidecarLeft = false
      return
    }
    isSidecarLeft = unlinkat(folder.descriptor, form.place.sidecar, 0) != 0 && errno != ENOENT
  }

  /// The file is in its place for good.
  func published() -> SinkResult {
    closeFile()
    isSidecarLeft = false
    store.space.forget(upload.key)
    let result = SinkResult(
      digest: upload.transfer.digest == .announced ? upload.facts.digest : digest, stored: stored,
      location: form.place.path, isProvableFromDisk: true)
    store.book.finished(upload.key, NameBook.Finished(size: written, result: result))
    return result
  }

  private var stored: Int64? { form.isCompressed ? body.fileSize : nil }
}
