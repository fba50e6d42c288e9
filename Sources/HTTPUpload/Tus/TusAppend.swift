/// A PATCH of tus, read and checked.
package struct TusAppend: Sendable, Equatable {
  /// The type of content that tus has.
  package static let mediaType = "application/offset+octet-stream"

  /// Where it begins.
  package let offset: Int64
  /// The upload's length, where a client tells it only now, or again.
  package let length: Int64?
  /// The content's length, where it is known.
  package let contentLength: Int64?
  /// The checksum of the content.
  package let checksum: TusChecksum?
  /// Whether the checksum comes behind the content.
  package let checksumComesLast: Bool

  /// Whether what arrives may be recorded only once a checksum has matched.
  package var isTentative: Bool { checksum != nil || checksumComesLast }

  /// Reads the fields of an append.
  package init(
    _ fields: HTTPFields, contentLength: Int64?,
    checksums known: [TusChecksum.Algorithm] = TusChecksum.Algorithm.allCases
  ) throws(HTTPProblem) {
    guard fields.contentType?.essence == Self.mediaType else { throw .mediaType(accepted: [Self.mediaType]) }
    guard let offset = try fields.number("Upload-Offset") else { throw .missingField("Upload-Offset") }
    self.offset = offset
    length = try fields.number("Upload-Length")
    self.contentLength = contentLength
    checksum = try TusChecksum(of: fields, known: known)
    checksumComesLast = checksum == nil && TusChecksum.comesLast(fields)
    if checksumComesLast, known.isEmpty { throw .checksumUnknown }
  }

  /// Checks it against the upload. The offset is checked first, as the answer to a wrong one tells the client how to go
  /// on.
  package func check(_ state: TusState) throws(HTTPProblem) {
    if state.isFinal { throw .finalUpload }
    guard offset == state.offset else { throw .wrongOffset(expected: state.offset, provided: offset) }
    if let length {
      guard length == state.length ?? length, length >= offset else { throw .badField("Upload-Length") }
    }
    guard let total = state.length ?? length, let contentLength else { return }
    guard contentLength <= total - offset else { throw .tooLarge(limit: total) }
  }
}
