/// Why an upload was suspended before all of it had arrived.
package enum StopReason: String, Hashable, CaseIterable, Sendable {
  /// All that was offered is here.
  case grantFull
  /// The client is gone, or has ended its part of the upload.
  case clientGone
  /// No byte came for too long.
  case silence
  /// Too few bytes came.
  case tooSlow
  /// The whole took too long.
  case tookTooLong
  /// A newer connection has the upload.
  case superseded
  /// The client has lost its right to upload.
  case unauthorized
  /// The gateway goes away.
  case gatewayStopping

  /// For the log.
  package var logDescription: String {
    switch self {
    case .grantFull: "all that was offered is here"
    case .clientGone: "the client has left it"
    case .silence: "no byte came for too long"
    case .tooSlow: "the bytes came too slowly"
    case .tookTooLong: "the upload took too long"
    case .superseded: "a newer connection has it"
    case .unauthorized: "the client has lost its right"
    case .gatewayStopping: "the gateway is stopping"
    }
  }
}
