/// A media type with its parameters (RFC 9110 section 8.3.1).
package struct MediaType: Sendable, Equatable {
  /// `type/subtype` in small letters.
  package let essence: String
  /// The parameters; names in small letters, values without quotes.
  package let parameters: [(name: String, value: String)]

  /// Reads a field's value, or `nil` where it is no media type.
  package init?(_ text: some StringProtocol) {
    var scanner = ParameterScanner(text)
    guard let type = scanner.token(), scanner.skip(UInt8(ascii: "/")), let subtype = scanner.token() else { return nil }
    guard let parameters = scanner.parameters() else { return nil }
    essence = "\(type)/\(subtype)".asciiLowercased
    self.parameters = parameters
  }

  /// The value of a parameter.
  package func parameter(_ name: String) -> String? {
    parameters.first { $0.name == name }?.value
  }

  /// The format that content of this type has at a route, by the names `json`, `text` and `bytes`: the type's own where
  /// the route takes it, else bytes, else the one format that the route takes; `nil` where nothing fits.
  package static func format(_ type: MediaType?, takenBy formats: [String]) -> String? {
    if let own = type?.format, formats.contains(own) { return own }
    if formats.contains("bytes") { return "bytes" }
    return formats.count == 1 ? formats[0] : nil
  }

  /// The media types of formats, for `Accept`.
  package static func accepted(_ formats: [String]) -> [String] {
    formats.map { format in
      switch format {
      case "json": "application/json"
      case "text": "text/plain; charset=utf-8"
      default: "application/octet-stream"
      }
    }
  }

  private var format: String {
    switch essence {
    case "application/json": "json"
    case "text/plain" where ["utf-8", "us-ascii"].contains(parameter("charset")?.asciiLowercased): "text"
    default: "bytes"
    }
  }

  /// The same type and parameters in the same order.
  package static func == (left: MediaType, right: MediaType) -> Bool {
    left.essence == right.essence && left.parameters.elementsEqual(right.parameters) { $0 == $1 }
  }
}

extension HTTPFields {
  /// The media type of the content; `nil` where it is absent, stands twice or cannot be read.
  package var contentType: MediaType? {
    count("Content-Type") == 1 ? first("Content-Type").flatMap { MediaType($0) } : nil
  }
}
