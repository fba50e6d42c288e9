import FoundationEssentials
import TextForms

/// JSON that goes through any terminal and any log as one line.
enum JSONText {
  /// An object with its keys in order. What a terminal would act upon, and what nobody sees, is escaped and not lost.
  static func line(_ value: some Encodable) -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    guard let bytes = try? encoder.encode(value) else { return "{}" }
    return JSONString.escapingUnseen(String(decoding: bytes, as: UTF8.self))
  }
}
