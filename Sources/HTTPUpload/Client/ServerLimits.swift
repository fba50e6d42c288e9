/// The bounds that a server tells (`Upload-Limit`, `Tus-Max-Size`), as far as a client has to keep to them.
struct ServerLimits: Sendable, Equatable {
  /// The most bytes of an upload.
  private(set) var maxSize: Int64?
  /// The most bytes of one request that goes on.
  private(set) var maxAppend: Int64?

  /// Takes up what an answer tells; the newest word counts.
  mutating func read(_ fields: HTTPFields) {
    if let size = fields.first("Tus-Max-Size").flatMap({ WholeNumber.parse($0.trimmedOfBlanks) }), size > 0 {
      maxSize = size
    }
    guard let members = fields.joined("Upload-Limit").flatMap({ StructuredField.dictionary($0) }) else { return }
    for case (let key, .integer(let value)) in members.map({ ($0.key, $0.item) }) where value >= 0 {
      if key == "max-size" { maxSize = value }
      // A server that takes no byte at a time is mistaken.
      if key == "max-append-size", value > 0 { maxAppend = value }
    }
  }
}
