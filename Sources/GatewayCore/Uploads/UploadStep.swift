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

  /// What follows a failure of the sink or of the ledger.
  enum OnFailure: Equatable {
    case nothing
    case suspendSink
    case drop(UploadFailure)
    /// The ledger keeps that it failed, and the sink lets go of what there is.
    case abandon(UploadFailure)
    case end(Ending)
  }
}
