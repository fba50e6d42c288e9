import Ledgers
import Logging

extension LedgerNotice {
  func log(to logger: Logger) {
    switch self {
    case .mended(let description):
      logger.warning(
        "The ledger's log could not be written; all of it was written anew", metadata: ["reason": "\(description)"])
    case .unmended(let description):
      logger.error(
        "The ledger's log cannot be written: no call is answered until the disk can, and nothing is lost",
        metadata: ["reason": "\(description)"])
    case .parted(let path, let description):
      logger.error(
        "A file of the ledger is not in its place: nothing is answered until the one that was there is back, or a restart",
        metadata: ["path": "\(path)", "reason": "\(description)"])
    case .rejoined(let path):
      logger.notice("The ledger is in its place again", metadata: ["path": "\(path)"])
    case .full(let path):
      logger.error(
        "The ledger's disk is full: uploads that are begun can end, and none is begun until there is room",
        metadata: ["path": "\(path)"])
    case .roomAgain(let path):
      logger.notice("The ledger's disk has room again", metadata: ["path": "\(path)"])
    case .away(let description):
      logger.error(
        "The ledger's database cannot be reached: nothing is acknowledged and none is begun until it can",
        metadata: ["reason": "\(description)"])
    case .back: logger.notice("The ledger's database can be reached again")
    case .closedUnmoved(let description):
      logger.error(
        "The ledger's log could not be moved into its database at the end: what is safe is in the log, for the next start",
        metadata: ["reason": "\(description)"])
    }
  }
}
