import XStream

/// One upload before it begins: everything about it that is chosen.
struct PlannedUpload: Sendable {
  /// From 0; the same seed chooses the same for the same number.
  var number: Int
  /// Which of the targets.
  var target: Int
  var kind: UploadKind
  var content: UploadContent
  /// The digest that is announced.
  var digest: StreamDigest?
  var fault: FaultShare?
  /// The byte before which a fault happens; from 1 to below the size.
  var faultPlace: Int64 = 0
  /// Whether a resumable upload is begun by a request without bytes.
  var isNamedFirst = false
  /// What else is chosen for it.
  var random: SeededRandom

  var size: Int64 { content.size }
}
