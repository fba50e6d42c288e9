/// The fields that answers of tus have.
package enum TusAnswer {
  /// What every answer has but that of OPTIONS.
  package static let common: HTTPFields = ["Tus-Resumable": "1.0.0"]

  /// The answer to OPTIONS: what this route can do. Only what holds there is told.
  package static func options(
    maxSize: Int64?, checksums: [TusChecksum.Algorithm], concatenates: Bool
  ) -> HTTPFields {
    var extensions = [
      "creation", "creation-with-upload", "creation-defer-length", "expiration", "termination",
    ]
    if !checksums.isEmpty { extensions += ["checksum", "checksum-trailer"] }
    if concatenates { extensions += ["concatenation", "concatenation-unfinished"] }
    var fields: HTTPFields = ["Tus-Version": "1.0.0", "Tus-Extension": extensions.joined(separator: ",")]
    if let maxSize { fields.append("Tus-Max-Size", String(maxSize)) }
    if !checksums.isEmpty {
      fields.append("Tus-Checksum-Algorithm", checksums.map(\.rawValue).joined(separator: ","))
    }
    return fields
  }

  /// 201 for a creation. The offset stands there too: tus-js-client needs it where the request brought bytes.
  package static func created(location: String, offset: Int64?, expires: Int64?) -> HTTPFields {
    var fields = common
    fields.append("Location", location)
    append(offset: offset, expires: expires, to: &fields)
    return fields
  }

  /// 204 for an append.
  ///
  /// - Parameter expires: seconds since 1970; `nil` once the upload is complete.
  package static func appended(offset: Int64, expires: Int64?) -> HTTPFields {
    var fields = common
    append(offset: offset, expires: expires, to: &fields)
    return fields
  }

  /// The answer to HEAD.
  package static func described(_ state: TusState, expires: Int64?) -> HTTPFields {
    var fields = common
    fields.append(state.fields)
    append(offset: nil, expires: expires, to: &fields)
    fields.append("Cache-Control", "no-store")
    return fields
  }

  /// What a refusal has.
  ///
  /// - Parameter maxSize: the route's bound, told where content is too large.
  package static func refusal(_ problem: HTTPProblem, maxSize: Int64?) -> HTTPFields {
    var fields = common
    if case .tooLarge = problem, let maxSize { fields.append("Tus-Max-Size", String(maxSize)) }
    return fields
  }

  private static func append(offset: Int64?, expires: Int64?, to fields: inout HTTPFields) {
    if let offset { fields.append("Upload-Offset", String(offset)) }
    if let expires { fields.append("Upload-Expires", HTTPDate.text(secondsSince1970: expires)) }
  }
}
