package import Logging
import NIOCore
import TextForms

// What the operator reads of an upload when a connection's part in it ends: one line.
extension Upload {
  func log(end event: UploadEvent) {
    switch event {
    case .complete(let size, let result):
      var end: Logger.Metadata = ["status": "complete", "size": .stringConvertible(size)]
      if let location = result.location { end["path"] = "\(path(of: location))" }
      if let stored = result.stored { end["stored"] = .stringConvertible(stored) }
      logger.info("Upload complete", metadata: whole(end))
    case .suspended(let offset):
      let reason = stopReason ?? .clientGone
      logger.info(
        "Upload left",
        metadata: whole([
          "status": "left", "reason": "\(reason.logDescription)", "safe": .stringConvertible(offset),
        ]))
    case .failed(let failure, let safe):
      logger.log(
        level: failure.logLevel, "Upload failed",
        metadata: whole([
          "status": "failed", "reason": "\(failure.logDescription)", "safe": .stringConvertible(safe),
        ]))
    case .refused(let refusal):
      logger.log(
        level: refusal.logLevel, "Upload refused",
        metadata: whole(["status": "refused", "reason": "\(refusal.logDescription)"]))
    case .alreadyComplete:
      logger.debug("Upload was complete already", metadata: details(["client": "\(admission.identity.name)"]))
    case .offered, .paused, .resumed, .safe, .superseded, .unauthorized: break
    }
  }

  /// What is said of every end: who, what, how much, how fast, and over what.
  private func whole(_ own: Logger.Metadata) -> Logger.Metadata {
    var end = own
    end["client"] = "\(admission.identity.name)"
    if let label = facts.label { end["file"] = "\(LogText.shown(label))" }
    if let total = facts.total { end["total"] = .stringConvertible(total) }
    if case .backend(let address) = sink?.place { end["backend"] = "\(address)" }
    let connection = admission.transfer.connection
    if let version = connection.tlsVersion { end["tls"] = "\(version)" }
    if let cipher = connection.tlsCipher { end["cipher"] = "\(cipher)" }
    if let lease { end["resumes"] = .stringConvertible(lease.epoch - 1) }
    let bytes = receivedHere
    let spent = elapsed
    end["bytes"] = .stringConvertible(bytes)
    end["seconds"] = .stringConvertible(Double(spent.nanoseconds / 1_000_000) / 1000)
    if bytes > 0, spent > .zero {
      end["rate"] = .stringConvertible(Int64(Double(bytes) * 1e9 / Double(spent.nanoseconds)))
    }
    return details(end)
  }

  /// A file may be called by its upload's key, which is a secret: then only the beginning of it is shown, with a star that a
  /// shell understands.
  private func path(of location: String) -> String {
    let location = location.split(separator: key.text, omittingEmptySubsequences: false).joined(
      separator: key.logID + "*")
    guard case .folder(let folder) = sink?.place else { return location }
    return LogText.shown(folder + "/" + location, atMost: 1024)
  }

  /// Bytes that arrived over this connection.
  var receivedHere: Int64 { parts == nil ? machine.receivedHere : 0 }

  /// Since this connection asked for the upload.
  var elapsed: TimeAmount { eventLoop.now - began }
}

extension UploadFailure {
  /// What is the client's own doing is no fault of the gateway's parts.
  package var logLevel: Logger.Level {
    switch self {
    case .full, .storage, .backend, .backendTimeout: .error
    case .rejected: .warning
    case .digest, .content: .info
    case .outgrown(let refusal): refusal.logLevel
    }
  }
}

extension Refusal {
  /// A fault of the gateway's parts is an error; what has no route may be anybody who tries paths.
  package var logLevel: Logger.Level {
    switch self {
    case .storage: .error
    case .full, .noRoom(.full), .backend, .away: .warning
    case .noRoute: .debug
    case .unauthorized, .declined, .shape, .format, .tooLarge, .unknownUpload, .otherDigest, .otherTotal, .otherOffset,
      .busy, .quota, .noRoom, .windowFull, .superseded, .broken, .shutdown:
      .info
    }
  }
}
