/// `Upload-Checksum`: what the content of one request has to hash to.
package struct TusChecksum: Sendable, Equatable {
  /// The algorithms; their raw values are tus's names.
  package enum Algorithm: String, Sendable, CaseIterable {
    case sha1
    case sha256
    case sha512
    case md5
    /// zlib's CRC-32, four bytes, the highest first. tus says nothing of the order.
    case crc32

    /// The length of a checksum in bytes.
    package var size: Int {
      switch self {
      case .sha1: 20
      case .sha256: 32
      case .sha512: 64
      case .md5: 16
      case .crc32: 4
      }
    }
  }

  /// The field's name, also as a trailer.
  package static let fieldName = "Upload-Checksum"

  /// The algorithm.
  package let algorithm: Algorithm
  /// The bytes that have to come out.
  package let expected: [UInt8]

  /// Reads a field's value: algorithm, space, base64.
  ///
  /// - Parameter known: the algorithms that the route announces.
  package init(_ text: String, known: [Algorithm] = Algorithm.allCases) throws(HTTPProblem) {
    let words = text.split(separator: " ", omittingEmptySubsequences: false)
    guard let name = words.first, let algorithm = Algorithm(rawValue: String(name)), known.contains(algorithm) else {
      throw .checksumUnknown
    }
    guard words.count == 2, let expected = Base64.decode(words[1]), expected.count == algorithm.size else {
      throw .badField(Self.fieldName)
    }
    self.algorithm = algorithm
    self.expected = expected
  }

  /// A SHA-256 that another field brought.
  package init(sha256 digest: [UInt8]) {
    algorithm = .sha256
    expected = digest
  }

  /// The checksum in a head or in trailers, or `nil` where there is none.
  package init?(of fields: HTTPFields, known: [Algorithm] = Algorithm.allCases) throws(HTTPProblem) {
    guard let text = try fields.only(Self.fieldName) else { return nil }
    try self.init(text, known: known)
  }

  /// Whether the head announces that the checksum comes behind the content, so that the content stays tentative.
  package static func comesLast(_ fields: HTTPFields) -> Bool {
    fields.joined("Trailer")?.trimmedParts(at: ",").contains {
      $0.asciiLowercased == fieldName.asciiLowercased
    } ?? false
  }
}
