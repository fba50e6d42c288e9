package import ConfigurationReading
import OperatingSystem

extension Configuration {
  /// Reads a configuration file, and all that it names.
  ///
  /// - Parameters:
  ///   - path: from the current folder, or absolute. Relative paths in the file count from its own folder.
  ///   - checkingFiles: `false` looks at the text alone: the files and folders that it names may be missing, and no
  ///     route has its tokens.
  /// - Throws: all faults at once.
  package static func load(
    path: String, checkingFiles: Bool = true
  ) throws(ConfigurationFaults) -> Configuration {
    let absolute = FilePlace.absolute(path, from: FilePlace.current)
    let file = FileName.shown(path)
    let text = try text(at: absolute, file: file)
    return try read(
      ConfigurationText(
        text: text, file: file, path: absolute, base: FilePlace.usable(FilePlace.parent(of: absolute))),
      checkingFiles: checkingFiles)
  }

  /// - Parameter file: what faults call it.
  static func text(at path: String, file: String) throws(ConfigurationFaults) -> String {
    do {
      // A configuration of a thousand routes has a tenth of this.
      return try TextFile.read(path, largest: 1 << 20)
    } catch {
      let fault = ConfigurationFault(file: file, line: 0, column: 0, message: error.message, hint: error.hint)
      throw ConfigurationFaults([fault], mainFile: file)
    }
  }

  /// Reads a configuration's text.
  ///
  /// - Parameters:
  ///   - yaml: the text.
  ///   - file: what faults call it.
  ///   - base: the absolute path of the folder that relative paths count from.
  ///   - checkingFiles: as for ``load(path:checkingFiles:)``.
  /// - Throws: all faults at once.
  package static func parse(
    _ yaml: String, file: String, base: String, checkingFiles: Bool = true
  ) throws(ConfigurationFaults) -> Configuration {
    try read(ConfigurationText(text: yaml, file: file, path: nil, base: base), checkingFiles: checkingFiles)
  }

  static func read(
    _ source: ConfigurationText, checkingFiles: Bool = true
  ) throws(ConfigurationFaults) -> Configuration {
    let reading = Reading(file: source.file, path: source.path, base: source.base, checksFiles: checkingFiles)
    var configuration: Configuration?
    let beginning = "write at least `tls`, `routes` and a `store` for each route"
    if var top = YAMLDocument.keys(of: source.text, reading: reading, beginning: beginning) {
      configuration = ServerReading.read(&top)
    }
    configuration?.origin.text = source
    guard let configuration, reading.faults.isEmpty else {
      // No configuration without a fault that says why.
      precondition(!reading.faults.isEmpty, "a configuration was refused without a reason")
      throw ConfigurationFaults(reading.faults, mainFile: reading.file)
    }
    return configuration
  }
}
