package import NIOCore

/// What ``MultipartMachine`` finds.
package enum MultipartEvent: Sendable, Equatable {
  /// A part begins.
  case partBegins(PartHead)
  /// Bytes of the part's content: a slice of what came.
  case bytes(ByteBuffer)
  /// The part is whole.
  case partEnds
  /// The form is whole. What comes behind it is ignored.
  case allEnded
  /// The form is broken; nothing comes any more.
  case malformed(MultipartFault)
}

/// Why a form is broken.
package enum MultipartFault: String, Sendable, Equatable, CaseIterable {
  case boundary = "the media type has no boundary"
  case preamble = "the form does not begin with its boundary"
  case delimiter = "a boundary goes on where its line should end"
  case head = "the head of a part cannot be read"
  case headTooLarge = "the head of a part is too large"
  case tooManyParts = "the form has too many parts"
  case noFile = "the form has no file"
  case truncated = "the form ends before its last boundary"
}
