@testable import HTTPUpload

/// What is read as a structured field is read again as it is written.
func checkStructured(_ text: String) {
  if let item = StructuredField.item(text) {
    // Spaces around an item say nothing (RFC 9651, section 4.2).
    precondition(StructuredField.item("  \(text) ") == item, "another item with spaces around: \(text)")
    switch item {
    case .boolean(let value): precondition(StructuredField.item(StructuredField.text(value)) == item)
    case .integer(let value):
      precondition(abs(value) < 1_000_000_000_000_000, "an integer of more than 15 digits")
      precondition(StructuredField.item("\(value)") == item)
    case .bytes(let bytes): precondition(StructuredField.item(StructuredField.text(bytes)) == item)
    case .token(let word): precondition(StructuredField.item(word) == item)
    case .string, .other: break
    }
  }
  if let members = StructuredField.dictionary(text) {
    precondition(Set(members.map(\.key)).count == members.count, "a key twice: \(members)")
  }
}

/// Lists of parameters, and what is made of them.
func checkWords(_ text: String) {
  if let disposition = ContentDisposition(text) {
    precondition(!disposition.type.isEmpty, "no type")
    if let label = disposition.label {
      precondition(FileLabel.isLabel(label) && label.utf8.count <= FileLabel.longest, "the label \(label)")
    }
  }
  if let type = MediaType(text) {
    precondition(type.essence.utf8.contains(UInt8(ascii: "/")) && type.essence == type.essence.asciiLowercased)
    _ = MediaType.format(type, takenBy: ["bytes", "json", "text"])
  }
  if let authority = Authority(text) {
    precondition(Authority("\(authority)") == authority, "another host: \(authority)")
    precondition(authority.isListed(in: [authority.description]), "not in a list of itself: \(authority)")
    precondition((0...65_535).contains(authority.port ?? 443), "a port that is none")
  }
  if let label = FileLabel.fitting(text) { precondition(FileLabel.isLabel(label), "the label \(label)") }
  if let bytes = Base64.decode(text) { precondition(Base64.encode(bytes) == text, "base64 that is not written so") }
  if let bytes = PercentCoding.decode(text) { precondition(bytes.count <= text.utf8.count) }
}

/// The fields of tus.
func checkTus(_ text: String) {
  if let metadata = try? TusMetadata(text) {
    precondition(metadata.text == text, "not as it came")
    precondition(Set(metadata.entries.map(\.key)).count == metadata.entries.count, "a key twice")
    let again = metadata.entries.map { $0.value.isEmpty ? $0.key : "\($0.key) \(Base64.encode($0.value))" }
    precondition((try? TusMetadata(again.joined(separator: ",")))?.entries == metadata.entries, "\(metadata.entries)")
    if let label = metadata.label { precondition(FileLabel.isLabel(label), "the label \(label)") }
    _ = metadata.mediaType
  }
  if let concat = try? TusConcat(text) {
    precondition((try? TusConcat(concat.text)) == concat, "another one when it is read again")
    if let keys = try? concat.keys(
      on: "/files", routes: ["/files", "/"], authorities: [Authority("localhost")].compactMap(\.self))
    {
      precondition(keys.allSatisfy(RoutePlace.isKey), "keys that are none: \(keys)")
    }
  }
  if let checksum = try? TusChecksum(text) {
    precondition(checksum.expected.count == checksum.algorithm.size, "a checksum of another size")
    let again = "\(checksum.algorithm.rawValue) \(Base64.encode(checksum.expected))"
    precondition((try? TusChecksum(again)) == checksum, "a checksum that is not read as it is written")
  }
}
