package import ConfigurationReading
import OperatingSystem
import XStream

extension Scenario {
  private static let beginning = "write at least `stages: [{rate: 10, for: 30s}]`"

  /// Reads a scenario's file.
  ///
  /// - Parameter path: from the current folder, or absolute. Folders that it names count from its own.
  /// - Throws: all faults at once, each with its line.
  package static func load(path: String) throws(ConfigurationFaults) -> Scenario {
    let absolute = FilePlace.absolute(path, from: FilePlace.current)
    let text: String
    do {
      text = try TextFile.read(absolute, largest: 1 << 20)
    } catch {
      let path = FileName.shown(path)
      let fault = ConfigurationFault(file: path, line: 0, column: 0, message: error.message, hint: error.hint)
      throw ConfigurationFaults([fault], mainFile: path)
    }
    return try parse(text, file: FileName.shown(path), base: FilePlace.usable(FilePlace.parent(of: absolute)))
  }

  /// Reads a scenario's text.
  ///
  /// - Parameters:
  ///   - yaml: the text.
  ///   - file: what faults call it; its last component without the ending is the name of a scenario without one.
  ///   - base: the absolute path of the folder that relative paths count from.
  /// - Throws: all faults at once, each with its line.
  package static func parse(_ yaml: String, file: String, base: String) throws(ConfigurationFaults) -> Scenario {
    let reading = Reading(file: file, path: nil, base: base, checksFiles: true)
    var scenario: Scenario?
    if var top = YAMLDocument.keys(of: yaml, reading: reading, beginning: beginning) {
      scenario = read(&top, nameOfFile: nameOfFile(file))
    }
    guard let scenario, reading.faults.isEmpty else {
      precondition(!reading.faults.isEmpty, "a scenario was refused without a reason")
      throw ConfigurationFaults(reading.faults, mainFile: file)
    }
    return scenario
  }

  private static func read(_ top: inout MappingReader, nameOfFile: String) -> Scenario {
    var scenario = Scenario(name: top.optional("name", as: .line)?.value ?? nameOfFile)
    if let purpose = top.optional("purpose", as: .line) { scenario.purpose = purpose.value }
    if let seed = top.optional("seed", as: .count(in: 0...Int.max)) { scenario.seed = UInt64(seed.value) }
    if let targets = top.optionalList("targets", as: .target) { scenario.targets = targets.value.map(\.value) }
    ShapeReading.read(&top, into: &scenario)
    if let uploads = UploadKindReading.kinds(&top) { scenario.uploads = uploads }
    scenario.connection = connection(&top)
    scenario.faults = FaultReading.faults(&top)
    FaultReading.check(scenario, &top)
    if let thresholds = top.optionalList("expect", as: .threshold) {
      scenario.thresholds = thresholds.value.map(\.value)
    }
    top.finish()
    return scenario
  }

  private static func connection(_ top: inout MappingReader) -> ConnectionBehaviour {
    var behaviour = ConnectionBehaviour()
    var section = top.section("connection")
    defer { section.finish() }
    let times = Duration.milliseconds(1) ... .seconds(86_400)
    if let reuse = section.optional("reuse", as: .word) as Setting<ConnectionBehaviour.Reuse>? {
      behaviour.reuse = reuse.value
    }
    if let handshake = section.optional("handshake", as: .word) as Setting<ConnectionBehaviour.Handshake>? {
      behaviour.handshake = handshake.value
    }
    behaviour.bandwidth = section.optional("bandwidth", as: .byteRate(in: 1...(1 << 40)))?.value
    if let threads = section.optional("threads", as: .count(in: 1...64)) { behaviour.threads = threads.value }
    if let time = section.optional("connect-timeout", as: .duration(in: times)) {
      behaviour.connectTimeout = time.value
    }
    if let time = section.optional("silence", as: .duration(in: times)) { behaviour.silence = time.value }
    if let attempts = section.optional("attempts", as: .count(in: 1...1000)) { behaviour.attempts = attempts.value }
    return behaviour
  }

  private static func nameOfFile(_ file: String) -> String {
    let last = file.split(separator: "/").last ?? "load"
    return String(last.lastIndex(of: ".").map { last[..<$0] } ?? last)
  }
}

extension ValueParser where Value == String {
  /// One line of text.
  static var line: ValueParser {
    ValueParser(expected: "a line of text") { text, _ throws(ValueFault) in
      guard !text.contains(where: \.isNewline), !text.isEmpty else {
        throw ValueFault(message: "more than one line, or none", hint: "write one line of text")
      }
      return text
    }
  }

  /// An address to upload to.
  static var target: ValueParser {
    ValueParser(expected: "an address such as `xstream://localhost:8443/upload-file`") { text, _ throws(ValueFault) in
      do throws(XStreamURLError) {
        return try TargetAddress.text(text)
      } catch {
        throw ValueFault(
          message: error.description, hint: "write xstream://HOST[:PORT]/ROUTE, or https:// for uploads over HTTP")
      }
    }
  }
}

extension ValueParser where Value == Threshold {
  /// What a figure has to be.
  static var threshold: ValueParser {
    ValueParser(expected: "a threshold such as \(Threshold.example)") { text, _ throws(ValueFault) in
      do throws(Threshold.ParseError) {
        return try Threshold(text)
      } catch {
        throw ValueFault(message: error.problem, hint: error.hint)
      }
    }
  }
}
