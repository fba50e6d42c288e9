import HTTPUpload

/// What one run has at hand.
struct HTTPRunState {
  let counterpart: Counterpart
  var patience: Patience
  /// The upload of an earlier run.
  let earlier: HTTPPlace?
  var offersXStream: Bool
  let tally = UploadTally()
  let clock = ContinuousClock()
  let began = ContinuousClock.now
  var connection: HTTPConnection?
  var prepared: PreparedSource?
  var dialogue: UploadDialogue?
  /// Whether it is to be told where the upload goes on.
  var isToBeOffered = true
  /// Whether the source is being sent.
  var isUnderWay = false
  var hasWarned = false

  /// Since the run began.
  var now: Duration { clock.now - began }

  /// A request is over that took so long to send bytes, which is no time without progress: not every server tells meanwhile
  /// how far the upload is safe.
  mutating func advanced(from former: Int64, to offset: Int64, sending time: Duration) {
    if offset > former { patience.progressed(now: now) } else { patience.doesNotCount(time) }
  }

  mutating func dropConnection() async {
    await connection?.close()
    connection = nil
  }

  /// The error with where the upload stands.
  func placed(_ error: UploadError) -> UploadError {
    var error = error
    if let dialogue {
      error.place = dialogue.place.flatMap { url in
        dialogue.dialect.map { HTTPPlace(url: url, dialect: $0.description) }
      }
    } else {
      error.place = earlier
    }
    error.safeAtPlace = dialogue.map { max($0.offset, $0.isUnconfirmed ? 0 : tally.safe) }
    return error
  }
}
