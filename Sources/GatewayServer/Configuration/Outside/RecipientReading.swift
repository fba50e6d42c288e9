import ConfigurationReading
import Glibc
import HTTPUpload
import OperatingSystem

/// Reads whom something is told: `command` or `url`, with what belongs to them.
enum RecipientReading {
  /// `nil` where something was missing or no good, which has been noted.
  static func read(_ section: inout MappingReader) -> Configuration.Recipient? {
    let (hasCommand, hasURL) = (section.has("command"), section.has("url"))
    let url = section.optional("url", as: .httpsURL)
    let hasAuthorities = section.has("ca")
    let authorities = section.optionalPath("ca", as: .readableFile)
    let arguments = section.optionalList("command", as: .argument)
    let reads = section.optionalList("reads", as: .readablePlace)
    let writes = section.optionalList("writes", as: .writableFolder)
    let connects = section.optional("connects", as: .flag)
    if hasCommand == hasURL {
      section.reading.note(
        "\(section.name) has \(hasCommand ? "both" : "neither") `command` \(hasCommand ? "and" : "nor") `url`",
        hint: "write `command: [/path/to/program]`, or `url: https://HOST/PATH` with `secret: FILE`", at: section.place)
    }
    if hasURL {
      for key in ["reads", "writes", "connects"] where section.has(key) {
        section.reading.note("`\(key)` is for commands", hint: "remove it", at: section.place)
      }
      let secrets = section.required("secret", as: .webhookSecrets)
      section.reading.remember("secret", secrets.map { Setting(value: $0.value.path, place: $0.place) })
      guard !hasCommand, let url, let secrets, !hasAuthorities || authorities != nil else { return nil }
      return .server(
        Configuration.Server(url: url.value, secrets: secrets.value.secrets, authorities: authorities))
    }
    for key in ["secret", "ca"] where hasCommand && section.has(key) {
      section.reading.note("`\(key)` is for `url`", hint: "remove it", at: section.place)
    }
    guard let arguments else { return nil }
    guard let program = arguments.value.first else {
      section.reading.note(
        "`command` is empty", hint: "write the program's path, as `[/usr/local/bin/notify]`", at: arguments.place)
      return nil
    }
    guard let path = Self.path(of: program, section.reading) else { return nil }
    return .command(
      Configuration.Command(
        arguments: [path] + arguments.value.dropFirst().map(\.value), reads: (reads?.value ?? []).map(\.value),
        writes: (writes?.value ?? []).map(\.value), connects: connects?.value ?? false))
  }

  /// A bare name would be looked for in folders that nobody has named.
  private static func path(of program: Setting<String>, _ reading: Reading) -> String? {
    guard program.value.contains("/") else {
      reading.note(
        "`command`: `\(program.value)` is no path", hint: "write where the program is, as `/usr/local/bin/notify`",
        at: program.place)
      return nil
    }
    let path = reading.absolute(program.value)
    guard reading.checksFiles else { return path }
    if let fault = FilePlace.faultOfFile(path) {
      reading.note("`command`: \(fault.message)", hint: fault.hint, at: program.place)
      return nil
    }
    guard FileName.withBytes(of: path, { access($0, X_OK) }) == 0 else {
      reading.note(
        "`command`: `\(path)` cannot be run: \(FilePlace.word(for: errno))", hint: "run `chmod +x \(path)`",
        at: program.place)
      return nil
    }
    return path
  }
}

extension Configuration.Recipient {
  /// The files that it has for itself.
  var files: [StorePlaces.Neighbour] {
    switch self {
    case .command(let command): [StorePlaces.Neighbour(name: "a command", path: command.arguments[0])]
    case .server(let server):
      server.authorities.map { [StorePlaces.Neighbour(name: "a receiver's `ca` file", path: $0)] } ?? []
    }
  }
}

extension ValueParser where Value == String {
  /// What a program is told.
  static var argument: ValueParser {
    ValueParser(expected: "a path or a word") { text, _ throws(ValueFault) in
      guard !text.isEmpty, !text.unicodeScalars.contains("\0") else {
        throw ValueFault(message: "an argument is empty, or has a NUL", hint: "write a path or a word")
      }
      return text
    }
  }

  /// A file or a folder that has to be there.
  static var readablePlace: ValueParser {
    ValueParser(expected: "a path") { text, reading throws(ValueFault) in
      let path = try reading.absolute(checking: text)
      guard !reading.checksFiles || FilePlace.identity(path) != nil else {
        throw ValueFault(message: "`\(path)` is not there", hint: "create it, or remove it here")
      }
      return path
    }
  }
}

extension ValueParser where Value == HTTPSURL {
  /// `https://HOST/PATH`.
  static var httpsURL: ValueParser {
    ValueParser(expected: "`https://HOST/PATH`") { text, _ throws(ValueFault) in
      do throws(HTTPSURLError) {
        return try HTTPSURL(text)
      } catch {
        throw ValueFault(message: error.description, hint: "write `https://HOST/PATH`")
      }
    }
  }
}
