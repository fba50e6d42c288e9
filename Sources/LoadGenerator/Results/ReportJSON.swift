import FoundationEssentials

extension LoadReport {
  /// Why a text is no result of a run.
  package struct FormatError: Error, Hashable, Sendable, CustomStringConvertible {
    /// For a person.
    package let description: String
  }

  /// The documented JSON, indented, its keys in order.
  package var json: String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    guard let bytes = try? encoder.encode(self) else { preconditionFailure("a result has numbers without a value") }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Reads what ``json`` wrote.
  ///
  /// - Throws: ``FormatError``.
  package init(json: some Sequence<UInt8>) throws(FormatError) {
    do {
      self = try JSONDecoder().decode(LoadReport.self, from: Data(json))
    } catch {
      throw FormatError(description: "it is no result of `sluice load --json`: \(error)")
    }
    guard version == 1 else { throw FormatError(description: "it is of version \(version), and only 1 is known") }
  }
}
