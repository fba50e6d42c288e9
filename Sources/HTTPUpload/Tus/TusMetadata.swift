/// `Upload-Metadata`: pairs of a key and a value in base64, separated by commas; a value may be missing.
package struct TusMetadata: Sendable, Equatable {
  /// The field as it came, which is how HEAD gives it back.
  package let text: String
  /// The pairs, values decoded.
  package let entries: [Entry]

  /// A key and its value.
  package struct Entry: Sendable, Equatable {
    /// The key.
    package let key: String
    /// The bytes; none where the value is missing.
    package let value: [UInt8]
  }

  private static let fieldName = "Upload-Metadata"

  /// Reads a field's value. An empty or doubled key and a value that is no base64 are problems; blanks around a pair
  /// are not, as clients send `, `.
  package init(_ text: String) throws(HTTPProblem) {
    self.text = text
    var entries: [Entry] = []
    // A field without a text is what clients without metadata send.
    for pair in text.trimmedOfBlanks.isEmpty ? [] : text.trimmedParts(at: ",") {
      let entry = try Self.entry(pair)
      guard !entries.contains(where: { $0.key == entry.key }) else { throw .badField(Self.fieldName) }
      entries.append(entry)
    }
    self.entries = entries
  }

  /// The metadata in a request, or `nil` where there is none.
  package init?(of fields: HTTPFields) throws(HTTPProblem) {
    // Several fields are one list. A comma alone joins them, so that nothing stands there that nobody sent.
    let values = fields.all(Self.fieldName)
    guard !values.isEmpty else { return nil }
    try self.init(values.joined(separator: ","))
  }

  /// The value of a key as text; `nil` where it is absent, empty or not UTF-8.
  package subscript(key: String) -> String? {
    guard let value = entries.first(where: { $0.key == key })?.value, !value.isEmpty else { return nil }
    return String(validating: value, as: UTF8.self)
  }

  /// What the file is called: `filename`, else `name`, else the last component of `relativePath`.
  package var label: String? {
    ["filename", "name", "relativePath"].lazy.compactMap { self[$0].flatMap(FileLabel.fitting) }.first
  }

  /// The content's media type: `filetype`, else `type` as Uppy calls it.
  package var mediaType: MediaType? {
    ["filetype", "type"].lazy.compactMap { self[$0].flatMap { MediaType($0) } }.first
  }

  /// Where the file stood in a folder. Never a path of a store.
  package var relativePath: String? { self["relativePath"] }

  private static func entry(_ pair: String) throws(HTTPProblem) -> Entry {
    let words = pair.split(separator: " ", maxSplits: 1).map(String.init)
    guard let key = words.first, key.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F }) else { throw .badField(fieldName) }
    guard words.count == 2 else {
      // A key is missing, not the value, where a pair begins with a space: HTTP drops that space, the base64 stays.
      guard !key.hasSuffix("=") else { throw .badField(fieldName) }
      return Entry(key: key, value: [])
    }
    guard let value = Base64.decode(words[1]) else { throw .badField(fieldName) }
    return Entry(key: key, value: value)
  }
}
