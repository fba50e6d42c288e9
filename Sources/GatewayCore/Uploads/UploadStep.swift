extension UploadMachine {
  /// How an upload ends without being complete.
  enum Ending: Equatable {
    /// The client is gone, or has sent all that was offered.
    case left
    /// The sink or the ledger failed.
    case failed(UploadFailure)
  }

  /// What the ledger is to record.
  struct Step: Equatable {
    var from: Int64
    var to: Int64
  }
}
