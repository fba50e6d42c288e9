import ConfigurationReading
import Forwarders

/// Reads a route's `store`.
enum StoreReading {
  /// What the section says.
  struct Outcome {
    var settings: DirectoryStore.Settings
    var folder: Setting<String>
    /// Whether the route's quota counts what files take up.
    var countsStored: Bool
  }

  /// What a route's quota counts.
  private enum Count: String, CaseIterable {
    case raw, stored
  }

  /// - Parameter checksContent: what the route says about it.
  static func read(_ section: inout MappingReader, checksContent: Bool) -> Outcome? {
    let gzip = section.optional("gzip", as: .compressionEngine)
    let name = section.optional("name", as: .nameTemplate)
    let metadata = section.optional("metadata", as: ValueParser<DirectoryStore.Settings.Metadata>.word)
    let minFree = section.optional("min-free", as: .byteSize(in: 0...Int64.max))
    let count = section.optional("count", as: ValueParser<Count>.word)
    let isDirect = section.optional("direct", as: .flag)
    let isShared = section.optional("shared", as: .flag)
    if let gzip, isShared?.value == true {
      section.reading.note(
        "`gzip` is not for a store with `shared: true`",
        hint: "remove one of them: what a gateway wrote that was held up would lie between another one's members",
        at: gzip.place)
    }
    guard let folder = section.required("directory", as: .writableFolder) else { return nil }
    section.reading.remember("directory", folder)
    return Outcome(
      settings: DirectoryStore.Settings(
        directory: folder.value, engine: gzip?.value, name: name?.value ?? .key, metadata: metadata?.value ?? .none,
        minFree: minFree?.value, checksContent: checksContent, isDirect: isDirect?.value ?? true,
        isShared: isShared?.value ?? false),
      folder: folder, countsStored: count?.value == .stored)
  }
}

extension ValueParser where Value == CompressionEngine {
  /// `fast`, or a level of zlib.
  static var compressionEngine: ValueParser {
    let expected = "`fast` or a number from 1 to 9"
    return ValueParser(expected: expected) { text, _ throws(ValueFault) in
      if text == "fast" {
        #if ISAL
          return .igzip
        #else
          throw ValueFault(
            message: "`fast` needs ISA-L, which this sluice was built without",
            hint: "write a number from 1 to 9, or build sluice with the package trait ISAL, as it is by default")
        #endif
      }
      guard let level = PlainNumber.parse(text), (1...9).contains(level) else {
        throw ValueFault(message: "`\(text)` is neither `fast` nor a number from 1 to 9", hint: "write \(expected)")
      }
      return .zlib(level: Int(level))
    }
  }
}

extension ValueParser where Value == NameTemplate {
  /// What complete uploads are called.
  static var nameTemplate: ValueParser {
    ValueParser(expected: "a name such as `{date}/{name}-{key}`") { text, _ throws(ValueFault) in
      do throws(NameTemplate.Fault) {
        return try NameTemplate(parsing: text)
      } catch {
        throw ValueFault(message: error.message, hint: error.hint)
      }
    }
  }
}
