/// The way of uploading that a client has chosen for an upload.
package enum ClientDialect: Hashable, Sendable, CustomStringConvertible {
  /// Resumable uploads for HTTP, by the interop version's number.
  case resumable(Int)
  /// tus 1.0.0.
  case tus
  /// All in one request; nothing can be gone on with.
  case plain

  /// What is tried at a server that tells nothing of itself, in this order. Versions between these differ in answers
  /// alone, which are read by what stands in them.
  static let tried: [ClientDialect] = [.newest, .resumable(6), .resumable(5), .resumable(3)]

  /// The newest version.
  package static let newest = ClientDialect.resumable(ResumableRules.newest.number)

  /// The dialect by the name that ``description`` gives, as it was kept.
  package init?(_ name: some StringProtocol) {
    switch name {
    case "tus": self = .tus
    case "plain": self = .plain
    default:
      guard name.hasPrefix("draft-"), let number = Int(name.dropFirst("draft-".count)), Self.knows(number) else {
        return nil
      }
      self = .resumable(number)
    }
  }

  /// A name to keep.
  package var description: String {
    switch self {
    case .resumable(let number): "draft-\(number)"
    case .tus: "tus"
    case .plain: "plain"
    }
  }

  /// Whether an upload can be gone on with.
  package var isResumable: Bool { self != .plain }

  static func knows(_ number: Int) -> Bool { ResumableRules.table.contains { $0.number == number } }

  /// The rules of the draft's version.
  var rules: ResumableRules? {
    guard case .resumable(let number) = self else { return nil }
    return ResumableVersion(number: Int64(number)).rules
  }

  /// What every request has.
  var fields: HTTPFields {
    switch self {
    case .resumable(let number): [ResumableVersion.fieldName: String(number)]
    case .tus: TusAnswer.common
    case .plain: [:]
    }
  }
}
