/// The head of a part of a form.
package struct PartHead: Sendable, Equatable {
  /// Its fields.
  package let fields: HTTPFields

  /// What it is called; `nil` where the part does not say.
  package var disposition: ContentDisposition? {
    fields.first("Content-Disposition").flatMap { ContentDisposition($0) }
  }

  /// The media type of its content.
  package var mediaType: MediaType? { fields.contentType }

  /// Reads the lines of a head without the empty one at its end; `nil` where a line is no field. Lines do not go on
  /// behind a line end: no browser and no curl folds them.
  init?(_ bytes: [UInt8]) {
    var fields = HTTPFields()
    for line in bytes.split(separator: UInt8(ascii: "\n")) {
      guard line.last == UInt8(ascii: "\r"), let colon = line.firstIndex(of: UInt8(ascii: ":")), colon > line.startIndex
      else { return nil }
      let name = line[..<colon]
      let value = line[(colon + 1)...].dropLast()
      guard name.allSatisfy(\.isTokenCharacter), value.allSatisfy({ $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 }) else {
        return nil
      }
      // Browsers write names of files in the page's charset, which is UTF-8 mostly.
      fields.append(
        String(decoding: name, as: UTF8.self), String(decoding: value, as: UTF8.self).trimmedOfBlanks)
    }
    self.fields = fields
  }
}
