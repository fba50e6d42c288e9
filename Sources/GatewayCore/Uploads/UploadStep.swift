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

  /// What follows where the upload is left.
  enum OnLeave: Equatable {
    /// It is ending already, or being finished.
    case nothing
    /// It ends as soon as it is open.
    case wait
    case suspendSink
    /// What is held goes, from the ledger first.
    case drop
  }

  /// The ledger hears of the end even where the offset is what it has: from now on the resume window counts.
  enum OnSuspended: Equatable {
    case nothing
    case record(Step)
    case end(Ending)
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
