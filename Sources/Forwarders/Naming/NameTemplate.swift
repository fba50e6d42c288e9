internal import GatewayCore
internal import TextForms

/// What complete uploads are called: a path below the store's directory, with fields that each upload fills in.
package struct NameTemplate: Hashable, Sendable {
  enum Part: Hashable, Sendable {
    case text(String)
    case field(Field)
  }

  enum Field: String, CaseIterable, Sendable {
    case key, date, name, client

    /// The most that it takes, in bytes. Keys are minted by the gateway, with 32 characters.
    var longest: Int {
      switch self {
      case .key: 32
      case .date: 10
      case .name, .client: SafeName.limit
      }
    }
  }

  /// Why a text is no template.
  package struct Fault: Error, Hashable, Sendable {
    /// What is wrong.
    package var message: String
    /// What to write instead.
    package var hint: String
  }

  /// A file called by its upload's key: `{key}`.
  package static let key = NameTemplate(segments: [[.field(.key)]])

  /// The most folders above the file.
  static let folderLimit = 4
  /// The most that a segment may become, in bytes; leaves room for the ends of names.
  static let segmentLimit = 240

  /// Folders, and lastly the file; never empty.
  let segments: [[Part]]

  private init(segments: [[Part]]) {
    self.segments = segments
  }

  /// Reads a template: segments between slashes, of text and of `{key}`, `{date}`, `{name}` and `{client}`.
  ///
  /// - Throws: ``Fault`` where `{key}` is missing, and names could meet; where the path could lead out of the directory, or
  ///   to the gateway's own folder; where it has more than 4 folders; where a name could get longer than file systems take.
  package init(parsing text: String) throws(Fault) {
    guard !text.hasPrefix("/") else {
      throw Fault(message: "`\(text)` is an absolute path", hint: "write a path below the directory")
    }
    var segments: [[Part]] = []
    for segment in text.split(separator: "/", omittingEmptySubsequences: false) {
      segments.append(try Self.parts(of: segment))
    }
    guard segments.count <= Self.folderLimit + 1 else {
      throw Fault(message: "`\(text)` has more than \(Self.folderLimit) folders", hint: "write fewer")
    }
    guard segments.contains(where: { $0.contains(.field(.key)) }) else {
      throw Fault(
        message: "`\(text)` has no `{key}`, so that two uploads could get the same name",
        hint: "write `{key}` somewhere in it, such as `{name}-{key}`")
    }
    self.segments = segments
  }

  private static func parts(of segment: Substring) throws(Fault) -> [Part] {
    guard !segment.isEmpty else {
      throw Fault(message: "a segment is empty", hint: "write a name between two slashes")
    }
    guard !segment.hasPrefix(".") else {
      throw Fault(
        message: "`\(segment)` begins with a dot", hint: "begin it with something else: the gateway keeps its own there"
      )
    }
    guard !segment.unicodeScalars.contains(where: { SafeName.isHidden($0) || $0 == "\\" }) else {
      throw Fault(message: "a segment has a character that does not show, or a backslash", hint: "write plain text")
    }
    var parts: [Part] = []
    var rest = segment
    while let first = rest.first {
      if first == "{" {
        let inner = rest.dropFirst().prefix { $0 != "}" }
        guard let field = Field(rawValue: String(inner)), inner.endIndex < rest.endIndex else {
          throw Fault(
            message: "`{\(inner)}` is no field",
            hint: "write one of " + Field.allCases.map { "`{\($0.rawValue)}`" }.joined(separator: ", "))
        }
        parts.append(.field(field))
        rest = rest[rest.index(after: inner.endIndex)...]
      } else {
        let text = rest.prefix { $0 != "{" }
        guard !text.contains("}") else {
          throw Fault(message: "`\(segment)` has a `}` without `{`", hint: "remove it")
        }
        parts.append(.text(String(text)))
        rest = rest[text.endIndex...]
      }
    }
    let longest = parts.reduce(0) { sum, part in
      switch part {
      case .text(let text): sum + text.utf8.count
      case .field(let field): sum + field.longest
      }
    }
    guard longest <= segmentLimit else {
      throw Fault(
        message: "`\(segment)` may become \(longest) bytes long, and a name has at most \(segmentLimit)",
        hint: "put some of it into a folder of its own")
    }
    return parts
  }

  /// Where an upload's file goes.
  func place(for facts: UploadFacts, suffix: String) -> FinalPlace {
    let names = segments.map { parts in
      parts.map { part in
        switch part {
        case .text(let text): text
        case .field(.key): facts.key.text
        case .field(.date): RFC3339(milliseconds: facts.createdAt.milliseconds).date
        case .field(.name): SafeName.make(facts.label, otherwise: "upload")
        case .field(.client): SafeName.make(facts.owner, otherwise: "anonymous")
        }
      }.joined()
    }
    return FinalPlace(folders: Array(names.dropLast()), name: (names.last ?? facts.key.text) + suffix)
  }

  /// The same, where the key alone says it.
  func placeByKey(_ key: UploadKey, suffix: String) -> FinalPlace? {
    let isKeyAlone = segments.joined().allSatisfy { part in
      switch part {
      case .text, .field(.key): true
      case .field: false
      }
    }
    guard isKeyAlone else { return nil }
    let facts = UploadFacts(key: key, route: "", total: nil, createdAt: WallTime(milliseconds: 0))
    return place(for: facts, suffix: suffix)
  }
}
