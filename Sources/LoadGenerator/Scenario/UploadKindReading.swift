import ConfigurationReading

/// Reads what is uploaded.
enum UploadKindReading {
  static let largest: Int64 = 1 << 50
  private static let sizes: ClosedRange<Int64> = 0...largest

  /// Nil where the key is absent, or all its kinds are no good.
  static func kinds(_ top: inout MappingReader) -> [UploadKind]? {
    guard let entry = top.optionalEntry("uploads") else { return nil }
    if entry.items.isEmpty {
      top.reading.note("`uploads` is empty", hint: "write one such as `{size: 64 KiB}`", at: entry.place)
    }
    let kinds = entry.items.compactMap { item -> UploadKind? in
      guard var reader = top.section(item) else { return nil }
      return kind(&reader)
    }
    return kinds.isEmpty ? nil : kinds
  }

  private static func kind(_ reader: inout MappingReader) -> UploadKind {
    var kind = UploadKind()
    defer { reader.finish() }
    if let weight = reader.optional("weight", as: .decimal(in: 0...1_000_000)) {
      kind.weight = weight.value
      if weight.value == 0 {
        reader.reading.note("`weight` is 0", hint: "remove the kind, or write a number above 0", at: weight.place)
      }
    }
    if let word = reader.optional("protocol", as: .word) as Setting<UploadProtocol>? {
      kind.uploadProtocol = word.value
    }
    let http = reader.optional("http", as: .word) as Setting<HTTPVersion>?
    if let http { kind.http = http.value }
    if kind.uploadProtocol == .xStream, let place = http?.place {
      reader.reading.note(
        "`http` is for uploads over HTTP", hint: "remove it, or add `protocol: put`, `tus` or `resumable`", at: place)
    }
    if let entry = reader.optionalEntry("size"), let size = size(entry, reader) { kind.size = size }
    kind.route = reader.optional("route", as: .route)?.value
    if let format = reader.optional("format", as: .word) as Setting<UploadKind.Format>? { kind.format = format.value }
    if let buffer = reader.optional("buffer", as: .byteSize(in: 1...(1 << 40))) { kind.buffer = buffer.value }
    let acknowledge = reader.optional("acknowledge", as: .byteSize)
    kind.acknowledge = acknowledge?.value
    if let digest = reader.optional("digest", as: .flag) { kind.digest = digest.value }
    let payload = reader.optional("payload", as: .flag)
    if let payload { kind.payload = payload.value }
    if kind.payload, kind.uploadProtocol != .xStream, let place = payload?.place {
      reader.reading.note(
        "`payload` is for x-stream", hint: "remove it: a PUT is one request by itself", at: place)
    }
    let unknownTotal = reader.optional("unknown-total", as: .flag)
    if let unknownTotal { kind.unknownTotal = unknownTotal.value }
    if kind.payload, let place = acknowledge?.place ?? (kind.unknownTotal ? unknownTotal?.place : nil) {
      reader.reading.note(
        "a payload goes in one packet", hint: "remove `acknowledge` and `unknown-total`, or `payload`", at: place)
    }
    return kind
  }

  /// One size, `{from, to}`, `{median, sigma, most}` or `{folder}`.
  private static func size(_ entry: MappingReader.Entry, _ reader: MappingReader) -> UploadKind.Size? {
    guard entry.isMapping else {
      return reader.value(of: entry, as: .byteSize(in: sizes)).map { .fixed($0.value) }
    }
    guard var section = reader.section(entry) else { return nil }
    defer { section.finish() }
    let folder = section.optional("folder", as: .readableFolder)
    let (from, to) = (
      section.optional("from", as: .byteSize(in: sizes)), section.optional("to", as: .byteSize(in: sizes))
    )
    let median = section.optional("median", as: .byteSize(in: 1...largest))
    let sigma = section.optional("sigma", as: .decimal(in: 0...10))
    let most = section.optional("most", as: .byteSize(in: 1...largest))
    switch (folder, from, to, median) {
    case (let folder?, nil, nil, nil): return .folder(folder.value)
    case (nil, let from?, let to?, nil):
      guard from.value <= to.value else {
        section.reading.note("`from` is above `to`", hint: "exchange them", at: from.place)
        return nil
      }
      return .range(from.value...to.value)
    case (nil, nil, nil, let median?):
      let bound = most?.value ?? max(median.value, min(largest, median.value.multipliedOrMost(by: 1000)))
      return .logNormal(median: median.value, sigma: sigma?.value ?? 1, most: max(bound, median.value))
    default:
      section.reading.note(
        "`size` is none of its kinds",
        hint: "write `64 KiB`, `{from: 1 KiB, to: 1 MiB}`, `{median: 64 KiB, sigma: 1}` or `{folder: PATH}`",
        at: entry.place)
      return nil
    }
  }
}

extension Int64 {
  fileprivate func multipliedOrMost(by factor: Int64) -> Int64 {
    let (product, overflow) = multipliedReportingOverflow(by: factor)
    return overflow ? .max : product
  }
}

extension ValueParser where Value == String {
  /// The path of a route.
  fileprivate static var route: ValueParser {
    ValueParser(expected: "a route such as `/upload-file`") { text, _ throws(ValueFault) in
      guard text.hasPrefix("/"), text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }), text.utf8.count <= 255 else {
        throw ValueFault(message: "`\(text)` is not a route", hint: "write an absolute path such as `/upload-file`")
      }
      return text
    }
  }

  /// A folder that is there, as its absolute path.
  fileprivate static var readableFolder: ValueParser {
    ValueParser(expected: "a path") { text, reading throws(ValueFault) in
      let path = try reading.absolute(checking: text)
      guard FolderContent.isFolder(path) else {
        throw ValueFault(message: "`\(path)` is no folder that can be read", hint: "name a folder with files")
      }
      return path
    }
  }
}
