/// What HEAD tells of an upload of tus.
package struct TusState: Sendable, Equatable {
  /// The bytes that are safe.
  package var offset: Int64
  /// The length, once it is known.
  package var length: Int64?
  /// The metadata as it came.
  package var metadata: String?
  /// `Upload-Concat` as it came.
  package var concat: String?
  /// Whether it is made of parts, so that nobody appends to it.
  package var isFinal: Bool
  /// Whether it waits for parts that are not full; then it has no offset to tell.
  package var awaitsParts: Bool

  /// Takes what the upload's account says.
  package init(
    offset: Int64, length: Int64?, metadata: String? = nil, concat: String? = nil, isFinal: Bool = false,
    awaitsParts: Bool = false
  ) {
    self.offset = offset
    self.length = length
    self.metadata = metadata
    self.concat = concat
    self.isFinal = isFinal
    self.awaitsParts = awaitsParts
  }

  /// The fields that describe it, without the protocol's own.
  package var fields: HTTPFields {
    var fields = HTTPFields()
    if !awaitsParts { fields.append("Upload-Offset", String(offset)) }
    if let length {
      fields.append("Upload-Length", String(length))
    } else if !isFinal {
      fields.append("Upload-Defer-Length", "1")
    }
    // A blank at a field's end cannot be sent over HTTP/2, and says nothing here.
    if let metadata { fields.append("Upload-Metadata", metadata.trimmedOfBlanks) }
    if let concat { fields.append("Upload-Concat", concat) }
    return fields
  }
}
