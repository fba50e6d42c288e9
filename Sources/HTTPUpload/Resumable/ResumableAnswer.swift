/// The fields that answers of the draft have, by the rules of the request's version.
package struct ResumableAnswer: Sendable, Equatable {
  /// The version of the request.
  package let version: ResumableVersion

  private var rules: ResumableRules { version.rules }

  /// Answers for requests of a version.
  package init(_ version: ResumableVersion) {
    self.version = version
  }

  /// The fields of the 104 that tells where the upload is, or `nil` where the client did not ask for one.
  package func interim(location: String, limit: UploadLimit) -> HTTPFields? {
    guard version.isSaid else { return nil }
    var fields = version.fields
    fields.append("Location", location)
    if rules.limitInInterim { append(limit, to: &fields) }
    return fields
  }

  /// The fields of a later 104 that tells how far the upload is, or `nil` where the client does not know those. It has
  /// no `Location`: a second one would be read as another upload's.
  package func progress(offset: Int64) -> HTTPFields? {
    guard version.isSaid, rules.tellsProgress else { return nil }
    var fields = version.fields
    fields.append("Upload-Offset", String(offset))
    return fields
  }

  /// A creation whose content was not the end: 201.
  package func created(location: String, offset: Int64, limit: UploadLimit) -> (status: Int, fields: HTTPFields) {
    var fields = acknowledgement(offset: offset)
    fields.append("Location", location)
    append(limit, to: &fields)
    return (201, fields)
  }

  /// An append that was not the end.
  package func appended(offset: Int64, limit: UploadLimit) -> (status: Int, fields: HTTPFields) {
    var fields = acknowledgement(offset: offset)
    append(limit, to: &fields)
    return (rules.appendStatus, fields)
  }

  /// What the target's own answer has once the last request was taken, whatever its status.
  package func done(status: Int, offset: Int64) -> HTTPFields {
    var fields = version.fields
    if rules.doneMark == .everyStatus || rules.doneMark == .success && status / 100 == 2 {
      fields.append("Upload-Complete", "?1")
    }
    if rules.offsetInEveryAnswer { fields.append("Upload-Offset", String(offset)) }
    return fields
  }

  /// What a refusal has that is not the target's own answer. ``HTTPProblem/wrongOffset(expected:provided:)`` brings its
  /// offset along.
  ///
  /// - Parameters:
  ///   - state: the upload's, where there is one and the client may know it.
  ///   - limit: what is told where content is too large.
  package func refusal(
    _ problem: HTTPProblem, _ state: ResumableState?, limit: UploadLimit = UploadLimit()
  ) -> HTTPFields {
    var fields = version.fields
    if case .tooLarge = problem { append(limit, to: &fields) }
    // Of a complete upload nobody may read that more can come.
    if state?.isComplete == true { return fields }
    if rules.openMark == .everyStatus { markOpen(&fields) }
    if rules.offsetInEveryAnswer, let state, !problem.fields.has("Upload-Offset") {
      fields.append("Upload-Offset", String(state.offset))
    }
    return fields
  }

  /// The answer to a question for the offset: 204.
  package func retrieved(_ state: ResumableState, limit: UploadLimit) -> (status: Int, fields: HTTPFields) {
    var fields = version.fields
    fields.append("Upload-Offset", String(state.offset))
    if state.isComplete { markDone(&fields) } else { markOpen(&fields) }
    if rules.knowsLength, let length = state.length { fields.append("Upload-Length", String(length)) }
    append(limit, to: &fields)
    fields.append("Cache-Control", "no-store")
    return (204, fields)
  }

  /// What OPTIONS adds.
  package func options(limit: UploadLimit) -> HTTPFields {
    var fields = version.fields
    append(limit, to: &fields)
    if rules.acceptPatch { fields.append("Accept-Patch", ResumableRequest.mediaType) }
    return fields
  }

  private func acknowledgement(offset: Int64) -> HTTPFields {
    var fields = version.fields
    markOpen(&fields)
    fields.append("Upload-Offset", String(offset))
    return fields
  }

  private func markOpen(_ fields: inout HTTPFields) {
    let field = rules.completenessField
    fields.append(field.rawValue, field == .complete ? "?0" : "?1")
  }

  private func markDone(_ fields: inout HTTPFields) {
    let field = rules.completenessField
    fields.append(field.rawValue, field == .complete ? "?1" : "?0")
  }

  private func append(_ limit: UploadLimit, to fields: inout HTTPFields) {
    if let text = limit.text(rules) { fields.append("Upload-Limit", text) }
  }
}
