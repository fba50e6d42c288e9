/// The protocol that a request speaks, chosen from its fields alone.
package enum UploadDialect: Sendable, Equatable {
  /// PUT or POST of one file, and whatever asks about an upload without a protocol's fields.
  case plain
  /// `multipart/form-data`.
  case form
  /// tus 1.0.0.
  case tus
  /// Resumable uploads for HTTP, in one version of the draft.
  case resumable(ResumableVersion)

  private static let tusFields = [
    "Upload-Length", "Upload-Defer-Length", "Upload-Metadata", "Upload-Concat", "Upload-Checksum",
  ]

  /// The dialect of a request.
  ///
  /// - Throws: ``HTTPProblem/tusVersion`` for what is tus without a version or with another one than 1.0.0.
  package static func choose(method: String, fields: HTTPFields) throws(HTTPProblem) -> UploadDialect {
    // OPTIONS asks which versions there are, so its own counts nothing (tus 1.0.0, "OPTIONS").
    if method == "OPTIONS" { return .plain }
    let type = fields.contentType?.essence
    // tus-js-client sends Upload-Metadata beside a draft's fields. Only Tus-Resumable says tus for certain.
    let isResumable =
      fields.has("Upload-Complete") || fields.has("Upload-Incomplete") || fields.has(ResumableVersion.fieldName)
      || type == ResumableRequest.mediaType
    if isResumable, !fields.has("Tus-Resumable") { return .resumable(ResumableVersion(of: fields)) }
    if fields.has("Tus-Resumable") || type == TusAppend.mediaType || tusFields.contains(where: fields.has) {
      guard fields.all("Tus-Resumable") == ["1.0.0"] else { throw .tusVersion }
      return .tus
    }
    return type == "multipart/form-data" ? .form : .plain
  }

  /// The method that a request means. Clients that cannot send PATCH or DELETE send POST and name the method in a field
  /// (tus 1.0.0, "X-HTTP-Method-Override").
  package static func method(_ method: String, fields: HTTPFields) -> String {
    guard method == "POST", let other = fields.first("X-HTTP-Method-Override")?.trimmedOfBlanks else { return method }
    let name = String(decoding: other.utf8.map { $0.isASCIILetter ? $0 & 0xDF : $0 }, as: UTF8.self)
    return ["PATCH", "DELETE", "HEAD"].contains(name) ? name : method
  }
}
