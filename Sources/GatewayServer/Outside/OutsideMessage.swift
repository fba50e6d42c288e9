/// Something that somebody outside of the gateway is told.
struct OutsideMessage: Sendable {
  /// The same at each try.
  var id: String
  /// What it is about: `sluice.upload.completed`.
  var type: String
  /// JSON.
  var body: String
}

/// What became of it.
enum OutsideAnswer: Sendable {
  /// It was taken, and this is the beginning of what was answered.
  case taken([UInt8])
  /// It was not taken, or nobody knows. `retryAfter` is how long the other one wants to be left alone, in milliseconds.
  case refused(reason: String, retryAfter: Int64? = nil)
}

/// Somebody outside of the gateway who is told things.
protocol OutsideRecipient: Sendable {
  /// Tells it, and waits for the answer, no longer than its time limit.
  func send(_ message: OutsideMessage) async -> OutsideAnswer

  /// Nothing more is sent; what is under way goes on.
  func retire()

  /// Ends what is under way: its answers come at once.
  func stop()
}
