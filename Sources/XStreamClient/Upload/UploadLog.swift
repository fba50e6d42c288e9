import HTTPUpload
import Logging
import XStream

/// Tells a caller's logger how an upload goes. Keys and upload URLs are secrets and are in no line; neither are a server's own
/// words.
///
/// What an upload throws in the end its caller knows, so nothing here is a warning. `info` is what would go unseen
/// otherwise: tries that failed and are followed by another one.
struct UploadLog: Sendable {
  private let logger: Logger

  /// - Returns: nil without a logger.
  init?(_ options: UploadOptions, to url: UploadURL) {
    guard var logger = options.logger else { return nil }
    switch url {
    case .stream(let url):
      (logger[metadataKey: "server"], logger[metadataKey: "route"]) = ("\(url.authority)", "\(url.route)")
    case .https(let url):
      (logger[metadataKey: "server"], logger[metadataKey: "route"]) = ("\(url.authority)", "\(url.path)")
    }
    // The word that the gateway's log has for it.
    if let traceparent = options.traceparent { logger[metadataKey: "trace"] = "\(traceparent)" }
    self.logger = logger
  }

  func note(_ event: TransferEvent) {
    switch event {
    case .connecting(let attempt): logger.debug("connecting", metadata: ["attempt": "\(attempt)"])
    case .offered(let offer):
      logger.debug(
        "server takes bytes",
        metadata: ["offset": "\(offer.offset)", "granted": "\(offer.granted.map { "\($0)" } ?? "all")"])
    case .waiting(let pause):
      logger.info(
        "upload goes on after a pause",
        metadata: Self.metadata(pause.error).merging(["delay": "\(pause.delay)"]) { $1 })
    case .restarting(let reason): logger.info("upload begins anew", metadata: ["reason": "\(reason)"])
    case .cannotBeResumed: logger.info("upload cannot be resumed")
    case .progress(let progress):
      logger.trace("progress", metadata: ["sent": "\(progress.sent)", "safe": "\(progress.safe)"])
    case .hashing, .checking: break
    }
  }

  func note(_ outcome: UploadOutcome) {
    logger.debug(
      "upload complete",
      metadata: [
        "bytes": "\(outcome.bytes)", "sent": "\(outcome.sent)", "resumed-from": "\(outcome.resumedFrom)",
        "connections": "\(outcome.connections)",
      ])
  }

  func note(_ error: UploadError) {
    logger.debug("upload failed", metadata: Self.metadata(error))
  }

  private static func metadata(_ error: UploadError) -> Logger.Metadata {
    var metadata: Logger.Metadata = ["error": "\(error.code)"]
    if let status = error.status { metadata["status"] = "\(status.name)" }
    if let status = error.httpStatus { metadata["http-status"] = "\(status)" }
    if let safe = error.safe { metadata["safe"] = "\(safe)" }
    // Other messages may name an upload's URL.
    if [.connection, .security].contains(error.code) { metadata["cause"] = "\(error.message)" }
    return metadata
  }
}
