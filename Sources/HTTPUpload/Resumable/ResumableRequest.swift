/// What a request of the draft says, read by the rules of its version.
package struct ResumableRequest: Sendable, Equatable {
  /// The type of an append's content.
  package static let mediaType = "application/partial-upload"

  /// The version.
  package let version: ResumableVersion
  /// Whether this request brings the upload's end; `nil` where it does not say.
  package let isLast: Bool?
  /// `Upload-Offset`.
  package let offset: Int64?
  /// `Upload-Length`, where the version has it.
  package let length: Int64?
  /// The length of this request's content, where it is known.
  package let contentLength: Int64?

  private let strayField: String?
  private let hasMediaType: Bool
  private let badCompleteness: String?
  private let isJoining: Bool

  /// Reads the fields. `Upload-Incomplete` and `Upload-Complete` are both understood in every version, the version's
  /// own first: so an unfinished part is never taken for a whole file because of a wrong version.
  package init(_ version: ResumableVersion, fields: HTTPFields, contentLength: Int64?) {
    self.version = version
    self.contentLength = contentLength
    let complete = fields.boolean("Upload-Complete")
    let incomplete = fields.boolean("Upload-Incomplete").map { !$0 }
    isLast = version.rules.completenessField == .complete ? complete ?? incomplete : incomplete ?? complete
    offset = fields.natural("Upload-Offset")
    length = version.rules.knowsLength ? fields.natural("Upload-Length") : nil
    let said = ["Upload-Complete", "Upload-Incomplete"].first(where: fields.has)
    badCompleteness = isLast == nil ? said : nil
    strayField = fields.has("Upload-Offset") ? "Upload-Offset" : said
    hasMediaType = fields.contentType?.essence == Self.mediaType
    isJoining = fields.has("Upload-Concat")
  }

  /// A creation: what is to be opened.
  package struct Creation: Sendable, Equatable {
    /// Whether the content is the upload's end.
    package let isLast: Bool
    /// The upload's length, where it is known: from `Upload-Length`, or from the content of a request that is the last.
    package let total: Int64?
  }

  /// Reads the request as a creation. Without a completeness it is an ordinary upload of a whole file.
  ///
  /// A completeness that does not parse is refused. RFC 9651 lets a reader ignore the field or refuse the message; to
  /// ignore it could make a whole file of a part.
  package func creation() throws(HTTPProblem) -> Creation {
    if let badCompleteness { throw .badField(badCompleteness) }
    // tus-js-client sends it whatever it speaks, and would take the empty upload of its last request for the joined one.
    if isJoining { throw .unexpectedField("Upload-Concat") }
    let isLast = isLast ?? true
    return Creation(isLast: isLast, total: try total(from: 0, isLast: isLast))
  }

  /// An append: where it begins and what it ends.
  package struct Append: Sendable, Equatable {
    /// Where it begins.
    package let offset: Int64
    /// Whether it is the last.
    package let isLast: Bool
    /// The upload's length, as far as the request tells it.
    package let total: Int64?
    /// The length of its content, where it is known.
    package let contentLength: Int64?
  }

  /// Reads the request as an append.
  package func append() throws(HTTPProblem) -> Append {
    if version.rules.demandsMediaType, !hasMediaType { throw .mediaType(accepted: [Self.mediaType]) }
    guard let offset else {
      throw strayField == "Upload-Offset" ? .badField("Upload-Offset") : .missingField("Upload-Offset")
    }
    if let badCompleteness { throw .badField(badCompleteness) }
    guard let isLast = isLast ?? (version.rules.silentAppend == .isTheLast ? true : nil) else {
      throw .missingField(version.rules.completenessField.rawValue)
    }
    return Append(
      offset: offset, isLast: isLast, total: try total(from: offset, isLast: isLast), contentLength: contentLength)
  }

  /// Checks a question for the offset, or a DELETE: old drafts have a server refuse fields of an append.
  package func checkForStrayFields() throws(HTTPProblem) {
    if version.rules.refusesStrayFields, let strayField { throw .unexpectedField(strayField) }
  }

  private func total(from offset: Int64, isLast: Bool) throws(HTTPProblem) -> Int64? {
    guard let contentLength else {
      if let length, length < offset { throw .inconsistentLength }
      return length
    }
    let (end, overflow) = offset.addingReportingOverflow(contentLength)
    if overflow { throw .inconsistentLength }
    guard let length else { return isLast ? end : nil }
    guard isLast ? end == length : end <= length else { throw .inconsistentLength }
    return length
  }
}
