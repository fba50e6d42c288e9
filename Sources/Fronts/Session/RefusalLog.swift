import GatewayCore
import Logging
import TextForms

/// Writes what becomes of requests that never have an upload of their own: refused ones, and those that end another's.
struct RefusalLog {
  let gateway: Gateway
  let logger: Logger

  /// A request was refused before there was an upload.
  func note(_ refusal: Refusal, _ access: AccessRequest, _ about: () -> Logger.Metadata) {
    guard logger.logLevel <= refusal.logLevel else { return }
    logger.log(
      level: refusal.logLevel, "Request refused",
      metadata: metadata(["reason": "\(refusal.logDescription)"], access, about))
  }

  /// An upload ended by its client's word.
  func say(_ message: Logger.Message, of key: UploadKey, _ access: AccessRequest, _ about: () -> Logger.Metadata) {
    guard logger.logLevel <= .info else { return }
    logger.info(message, metadata: metadata(["upload": "\(key.logID)"], access, about))
  }

  private func metadata(
    _ own: Logger.Metadata, _ access: AccessRequest, _ about: () -> Logger.Metadata
  ) -> Logger.Metadata {
    own.merging(["route": "\(LogText.shown(access.route))", "client": "\(gateway.name(of: access))"]) { own, _ in own }
      .merging(about()) { own, _ in own }
  }
}
