internal import CYAML

/// Composes nodes of what libyaml's parser says, one event after the other.
struct YAMLComposer: ~Copyable {
  /// What keeps a text from being a document.
  struct Problem: Error {
    var words: String
    /// Where it was found; `nil` where the parser could not even read characters.
    var place: Place?
    /// What it was found in, and on which line that begins.
    var context: (words: String, line: Int)?
  }

  /// Nodes below each other. A file for people has ten; what composes recursively must not run out of stack.
  private static let mostDeep = 100
  /// Nodes in all, those that aliases repeat counted again: a few lines of aliases can stand for billions.
  private static let mostNodes = 100_000

  // libyaml keeps a pointer into itself: it may not move, and lives as long as the composer.
  private let parser: UnsafeMutablePointer<yaml_parser_t>
  private var anchors: [String: (node: YAMLNode, count: Int)] = [:]
  private var count = 0

  /// - Returns: `nil` for a text without a document.
  /// - Throws: ``Problem``.
  static func compose(_ text: String) throws(Problem) -> YAMLNode? {
    var composer = YAMLComposer()
    let bytes = Array(text.utf8)
    // The parser reads from where the bytes are until it is done.
    let result: Result<YAMLNode?, Problem> = bytes.withUnsafeBufferPointer { bytes in
      yaml_parser_set_encoding(composer.parser, YAML_UTF8_ENCODING)
      yaml_parser_set_input_string(composer.parser, bytes.baseAddress, bytes.count)
      do throws(Problem) { return .success(try composer.document()) } catch { return .failure(error) }
    }
    return try result.get()
  }

  private init() {
    parser = .allocate(capacity: 1)
    // It fails for want of memory alone.
    precondition(yaml_parser_initialize(parser) == 1)
  }

  deinit {
    yaml_parser_delete(parser)
    parser.deallocate()
  }

  private mutating func document() throws(Problem) -> YAMLNode? {
    var root: YAMLNode?
    while true {
      var event = try next()
      defer { yaml_event_delete(&event) }
      switch event.type {
      case YAML_STREAM_START_EVENT, YAML_DOCUMENT_END_EVENT: continue
      case YAML_DOCUMENT_START_EVENT:
        guard root == nil else {
          throw Problem(words: "a second document begins", place: Place(event.start_mark), context: nil)
        }
        root = try node(of: next(), depth: 0)
      default: return root
      }
    }
  }

  private mutating func next() throws(Problem) -> yaml_event_t {
    var event = yaml_event_t()
    guard yaml_parser_parse(parser, &event) == 1 else { throw Problem(of: parser.pointee) }
    return event
  }

  /// - Parameter event: becomes this function's to delete.
  private mutating func node(of event: yaml_event_t, depth: Int) throws(Problem) -> YAMLNode {
    var event = event
    defer { yaml_event_delete(&event) }
    let place = Place(event.start_mark)
    count += 1
    guard depth < Self.mostDeep else { throw Problem(words: "it is nested too deeply", place: place, context: nil) }
    guard count <= Self.mostNodes else { throw Problem(words: "it has too many values", place: place, context: nil) }
    let before = count
    let anchor: UnsafeMutablePointer<yaml_char_t>?
    let content: YAMLNode.Content
    switch event.type {
    case YAML_SCALAR_EVENT:
      let scalar = event.data.scalar
      anchor = scalar.anchor
      let text = String(decoding: UnsafeBufferPointer(start: scalar.value, count: scalar.length), as: UTF8.self)
      content = .scalar(text: text, isPlain: scalar.style == YAML_PLAIN_SCALAR_STYLE)
    case YAML_SEQUENCE_START_EVENT:
      anchor = event.data.sequence_start.anchor
      var nodes: [YAMLNode] = []
      while let event = try next(unless: YAML_SEQUENCE_END_EVENT) {
        nodes.append(try node(of: event, depth: depth + 1))
      }
      content = .sequence(nodes)
    case YAML_MAPPING_START_EVENT:
      anchor = event.data.mapping_start.anchor
      var pairs: [(key: YAMLNode, value: YAMLNode)] = []
      while let event = try next(unless: YAML_MAPPING_END_EVENT) {
        let key = try node(of: event, depth: depth + 1)
        pairs.append((key, try node(of: next(), depth: depth + 1)))
      }
      content = .mapping(pairs)
    default:
      let name = event.data.alias.anchor.map { String(cString: $0) } ?? ""
      guard let (named, size) = anchors[name] else {
        throw Problem(words: "found undefined alias", place: place, context: nil)
      }
      count += size
      return YAMLNode(content: named.content, place: place)
    }
    let node = YAMLNode(content: content, place: place)
    if let anchor { anchors[String(cString: anchor)] = (node, count - before) }
    return node
  }

  /// The next event; `nil`, and it is done with, where it is this one.
  private mutating func next(unless end: yaml_event_type_t) throws(Problem) -> yaml_event_t? {
    var event = try next()
    guard event.type == end else { return event }
    yaml_event_delete(&event)
    return nil
  }
}

extension YAMLComposer.Problem {
  fileprivate init(of parser: yaml_parser_t) {
    words = parser.problem.map { String(cString: $0) } ?? "out of memory"
    place = parser.error == YAML_READER_ERROR ? nil : Place(parser.problem_mark)
    context = parser.context.map { (String(cString: $0), Place(parser.context_mark).line) }
  }
}

extension Place {
  fileprivate init(_ mark: yaml_mark_t) {
    self.init(line: mark.line + 1, column: mark.column + 1)
  }
}
