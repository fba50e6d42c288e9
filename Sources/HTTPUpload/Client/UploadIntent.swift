/// What a client wants to upload, as far as requests tell of it.
package struct UploadIntent: Sendable {
  /// Where uploads are created.
  package var target: HTTPSURL
  /// All bytes; nil until the source has ended, where nobody knows.
  package var total: Int64?
  /// The file's own name, a label.
  package var label: String?
  /// What the bytes are.
  package var mediaType: String
  /// The SHA-256 of the whole, where it is known before the upload.
  package var digest: [UInt8]?

  /// An intent.
  package init(
    target: HTTPSURL, total: Int64?, label: String? = nil, mediaType: String = "application/octet-stream",
    digest: [UInt8]? = nil
  ) {
    self.target = target
    self.total = total
    self.label = label
    self.mediaType = mediaType
    self.digest = digest
  }

  /// What a request that begins the upload says of the file.
  func fields(for dialect: ClientDialect) -> HTTPFields {
    var fields = HTTPFields()
    if dialect == .tus {
      var pairs = [("filetype", mediaType)]
      if let label { pairs.insert(("filename", label), at: 0) }
      let texts = pairs.map { "\($0.0) \(Base64.encode(Array($0.1.utf8)))" }
      fields.append("Upload-Metadata", texts.joined(separator: ","))
    } else {
      fields.append("Content-Type", mediaType)
      if let label {
        fields.append("Content-Disposition", "attachment; filename*=UTF-8''\(PercentCoding.encode(label))")
      }
    }
    if let digest { fields.append("Repr-Digest", DigestFields.value(sha256: digest)) }
    return fields
  }
}
