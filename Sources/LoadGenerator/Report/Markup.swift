/// HTML in which every text from outside is escaped: literals are markup, what is interpolated into them is text,
/// unless it is markup itself. What comes out is well-formed XML too, as long as the literals are.
struct Markup: ExpressibleByStringInterpolation, Sendable {
  let html: String

  init(stringLiteral value: String) { html = value }

  init(stringInterpolation interpolation: Interpolation) { html = interpolation.html }

  /// Parts, one after another.
  init(_ parts: [Markup]) { html = parts.map(\.html).joined() }

  /// A text from anywhere, for elements and for attributes in quotes.
  init(text: String) { html = Self.escaped(text) }

  static let nothing: Markup = ""

  struct Interpolation: StringInterpolationProtocol {
    fileprivate(set) var html = ""

    init(literalCapacity: Int, interpolationCount: Int) { html.reserveCapacity(literalCapacity * 2) }

    mutating func appendLiteral(_ literal: String) { html += literal }
    mutating func appendInterpolation(_ text: String) { html += Markup.escaped(text) }
    mutating func appendInterpolation(_ number: Int) { html += String(number) }
    mutating func appendInterpolation(_ markup: Markup) { html += markup.html }
    mutating func appendInterpolation(_ parts: [Markup]) { for part in parts { html += part.html } }
  }

  private static func escaped(_ text: String) -> String {
    var escaped = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": escaped.append(contentsOf: "&amp;".unicodeScalars)
      case "<": escaped.append(contentsOf: "&lt;".unicodeScalars)
      case ">": escaped.append(contentsOf: "&gt;".unicodeScalars)
      case "\"": escaped.append(contentsOf: "&quot;".unicodeScalars)
      case "'": escaped.append(contentsOf: "&#39;".unicodeScalars)
      case "\n", "\t": escaped.append(" ")
      // Unicode has these characters, and XML 1.0 does not (section 2.2).
      case "\u{FFFE}", "\u{FFFF}": escaped.append("\u{FFFD}")
      default:
        switch scalar.properties.generalCategory {
        // Some of them change the direction of the text behind them, which could deceive a reader.
        case .control, .format, .lineSeparator, .paragraphSeparator: escaped.append("\u{FFFD}")
        default: escaped.append(scalar)
        }
      }
    }
    return String(escaped)
  }
}
