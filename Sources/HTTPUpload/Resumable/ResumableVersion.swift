/// The version of the draft that a request speaks.
package struct ResumableVersion: Sendable, Equatable {
  /// The field with the version.
  package static let fieldName = "Upload-Draft-Interop-Version"

  /// The rules of the version.
  package let rules: ResumableRules
  /// Whether the client said the version. If not, it speaks the final standard or none of ours: the newest rules hold,
  /// and it gets no 104, as it may not know what that is.
  package let isSaid: Bool

  /// The version by its number; the newest one where that is unknown.
  package init(number: Int64?) {
    let known = number.flatMap { number in ResumableRules.table.first { $0.number == number } }
    rules = known ?? .newest
    isSaid = known != nil
  }

  /// The version in a request's fields.
  package init(of fields: HTTPFields) {
    self.init(number: fields.natural(Self.fieldName))
  }

  /// The fields that every answer has, interim ones too: the version, as Apple's client and servers do it.
  package var fields: HTTPFields { isSaid ? [Self.fieldName: String(rules.number)] : [:] }
}
