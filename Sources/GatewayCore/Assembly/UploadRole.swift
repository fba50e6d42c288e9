/// What an upload is for: itself, or to be put together with others.
package enum UploadRole: Hashable, Codable, Sendable {
  /// It stands for itself.
  case whole
  /// A part of uploads that are made of it and others. It stays unfinished, also when all of its bytes are there, until it
  /// expires or is dropped, and never gets a place of its own.
  case part
  /// Made of the bytes of these parts, in this order, by the gateway; no client brings any. A part may stand here twice.
  case final(of: [UploadKey])

  /// What it is made of; nothing where it is not made of others.
  package var parts: [UploadKey] {
    if case .final(let parts) = self { parts } else { [] }
  }

  /// Whether the gateway makes it of others.
  package var isFinal: Bool {
    if case .final = self { true } else { false }
  }
}
