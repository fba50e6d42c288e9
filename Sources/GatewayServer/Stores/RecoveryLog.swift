import GatewayCore
import Logging

extension RecoveryReport {
  /// Tells the operator what became of the uploads of the process before, and of files that were nobody's.
  func log(to logger: Logger) {
    for upload in damaged {
      logger.error(
        "Upload cannot go on: bytes that were safe are not there; it is kept until it expires",
        metadata: [
          "upload": "\(upload.key.logID)", "route": "\(upload.route)", "safe": .stringConvertible(upload.safe),
          "reason": "\(upload.reason)",
        ])
    }
    for (route, files) in removed.sorted(by: { $0.key < $1.key }) {
      for file in files {
        logger.warning(
          "File removed from the store",
          metadata: [
            "route": "\(route)", "file": "\(file.name)", "size": .stringConvertible(file.size),
            "reason": "\(file.reason)",
          ])
      }
      logger.notice("Store tidied", metadata: ["route": "\(route)", "removed": .stringConvertible(files.count)])
    }
    for key in completed { logger.notice("Upload was complete", metadata: ["upload": "\(key.logID)"]) }
    for key in broken {
      logger.notice("Upload ended with its backend's stream", metadata: ["upload": "\(key.logID)"])
    }
    for key in orphaned {
      logger.warning("Upload of a route that is not configured waits to expire", metadata: ["upload": "\(key.logID)"])
    }
    guard waiting + completed.count + damaged.count + broken.count + orphaned.count > 0 else { return }
    logger.notice(
      "Uploads recovered",
      metadata: [
        "waiting": .stringConvertible(waiting), "completed": .stringConvertible(completed.count),
        "damaged": .stringConvertible(damaged.count), "broken": .stringConvertible(broken.count),
        "orphaned": .stringConvertible(orphaned.count),
      ])
  }
}
