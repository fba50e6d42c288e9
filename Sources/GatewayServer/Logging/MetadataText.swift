import Logging
import TextForms

/// Values of a record's metadata as text.
enum MetadataText {
  /// As JSON: numbers and booleans are that, and lists and objects have members.
  static func json(_ value: Logger.MetadataValue) -> String {
    switch value {
    case .string(let text): return JSONString.quoted(text)
    case .stringConvertible(let value): return number(value) ?? JSONString.quoted("\(value)")
    case .array(let values): return "[" + values.map(json).joined(separator: ",") + "]"
    case .dictionary(let members): return object(members)
    }
  }

  /// The members by name.
  static func object(_ members: Logger.Metadata) -> String {
    let members = members.sorted { $0.key < $1.key }.map { JSONString.quoted($0.key) + ":" + json($0.value) }
    return "{" + members.joined(separator: ",") + "}"
  }

  /// For people: between quotes only where one could not see where it ends, or what is in it.
  static func plain(_ value: Logger.MetadataValue) -> String {
    switch value {
    case .array, .dictionary: json(value)
    case .string(let text): isClear(text) ? text : JSONString.escapingUnseen(JSONString.quoted(text))
    case .stringConvertible(let value): plain(.string("\(value)"))
    }
  }

  /// `nil` for what is neither a number nor a boolean, and for numbers that JSON does not have.
  private static func number(_ value: any CustomStringConvertible) -> String? {
    switch value {
    case let whole as any BinaryInteger: "\(whole)"
    case let real as Double where real.isFinite: "\(real)"
    case let real as Float where real.isFinite: "\(real)"
    case let truth as Bool: "\(truth)"
    default: nil
    }
  }

  private static func isClear(_ text: String) -> Bool {
    !text.isEmpty
      && text.unicodeScalars.allSatisfy { scalar in
        switch scalar {
        case " ", "\"", "=", "\\": false
        default:
          switch scalar.properties.generalCategory {
          case .control, .format, .lineSeparator, .paragraphSeparator, .spaceSeparator: false
          default: true
          }
        }
      }
  }
}
