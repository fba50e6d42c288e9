/// A POST of tus that opens an upload, read and checked.
package struct TusCreation: Sendable, Equatable {
  /// The upload's length; `nil` where it comes later, or is the sum of parts.
  package let length: Int64?
  /// What is told of the file.
  package let metadata: TusMetadata?
  /// Whether it is a part, or made of parts.
  package let concat: TusConcat?
  /// Whether the request's content is the upload's beginning.
  package let hasContent: Bool
  /// The content's length, where it is known.
  package let contentLength: Int64?
  /// The checksum of the content.
  package let checksum: TusChecksum?

  /// Reads the fields of a creation.
  ///
  /// - Parameters:
  ///   - contentLength: 0 where there is no content, `nil` where its length is unknown.
  ///   - known: the checksum algorithms of the route.
  package init(
    _ fields: HTTPFields, contentLength: Int64?,
    checksums known: [TusChecksum.Algorithm] = TusChecksum.Algorithm.allCases
  ) throws(HTTPProblem) {
    concat = try fields.only("Upload-Concat").map { text throws(HTTPProblem) in try TusConcat(text) }
    length = try Self.length(fields, concat)
    metadata = try TusMetadata(of: fields)
    checksum = try TusChecksum(of: fields, known: known)
    self.contentLength = contentLength
    hasContent = contentLength != 0
    guard hasContent else { return }
    // Old clients send any type with an empty content; only what brings bytes has to say what they are.
    guard fields.contentType?.essence == TusAppend.mediaType else {
      throw .mediaType(accepted: [TusAppend.mediaType])
    }
    if case .final = concat { throw .finalUpload }
    if let contentLength, let length, contentLength > length { throw .tooLarge(limit: length) }
  }

  private static func length(_ fields: HTTPFields, _ concat: TusConcat?) throws(HTTPProblem) -> Int64? {
    let length = try fields.number("Upload-Length")
    let deferral = try fields.only("Upload-Defer-Length")
    if let deferral, deferral != "1" { throw .badField("Upload-Defer-Length") }
    if case .final = concat {
      // Its length is the sum of the parts (tus 1.0.0, "Concatenation").
      guard length == nil else { throw .unexpectedField("Upload-Length") }
      guard deferral == nil else { throw .unexpectedField("Upload-Defer-Length") }
      return nil
    }
    guard length == nil || deferral == nil else { throw .unexpectedField("Upload-Defer-Length") }
    guard length != nil || deferral != nil else { throw .missingField("Upload-Length") }
    return length
  }
}
