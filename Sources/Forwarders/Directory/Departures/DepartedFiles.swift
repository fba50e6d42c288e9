package import GatewayCore
package import NIOCore

// Consumers take complete files away, and nobody tells the gateway but the file system.
extension DirectoryStore {
  /// Looks for each file by the name that the ledger has, through the folders that are held open. Nothing is gone that is
  /// looked for while the store itself is not in its place.
  package func departed(_ uploads: [UploadRecord], on eventLoop: any EventLoop) -> EventLoopFuture<[UploadKey]> {
    run(on: eventLoop) { [self] () throws(SinkFailure) in
      try place.checkForNew()
      let directory = directory
      var departed: [UploadKey] = []
      for upload in uploads where try !isThere(upload, in: directory) { departed.append(upload.key) }
      if !departed.isEmpty { try place.check(directory) }
      return departed
    }
  }

  private func isThere(_ upload: UploadRecord, in directory: StoreDirectory) throws(SinkFailure) -> Bool {
    for form in try settings.possibleForms(of: upload) {
      guard let folder = try directory.folder(of: form.place) else { continue }
      let shown = directory.completePlace(upload.key)
      if try directory.status(of: form.place.name, in: folder.descriptor, shown: shown) != nil { return true }
    }
    return false
  }

  /// Hears of files that leave the store's folder, and those below it, from the kernel (inotify(7)).
  package func watchDepartures(_ tell: @escaping @Sendable ([UploadKey]?) -> Void) {
    departures.begin { [settings] in
      DepartureWatch(directory: settings.directory, hasFolders: settings.name.hasFolders, tell)
    }
  }

  /// Nothing is heard any more of files that leave.
  package func stop() async { departures.end() }
}

extension NameTemplate {
  /// Whether files are in folders below the store's own.
  var hasFolders: Bool { segments.count > 1 }
}
