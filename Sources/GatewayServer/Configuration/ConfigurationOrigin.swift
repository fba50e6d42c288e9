import ConfigurationReading

/// Where the settings of a configuration stand, so that what turns out to be wrong with one later is told by its line.
struct ConfigurationOrigin: Sendable {
  /// As it was named.
  var file: String
  /// Absolute; `nil` for a text that is in no file.
  var path: String?
  /// The files and folders that it names.
  var paths: [NamedPath] = []
  /// The keys of the top level.
  var keys: [String: Place] = [:]
  /// What it was read from, to be read again.
  var text = ConfigurationText()
  /// Of each listener, in their order.
  var listeners: [Place] = []
  var connections: Place?
  var user: Place?
  var landlock: Place?

  /// Where a path is named; `nil` for one that it has by default.
  ///
  /// - Parameter key: by this key, where that is known.
  func place(of path: String, key: String? = nil) -> Place? {
    paths.first { $0.path == path && (key == nil || $0.key == key) }?.place
  }
}

/// What was found out about a configuration.
struct Findings {
  let origin: ConfigurationOrigin
  private(set) var errors: [ConfigurationFault] = []
  private(set) var warnings: [ConfigurationFault] = []

  /// In the order of the lines.
  var sortedWarnings: [ConfigurationFault] {
    ConfigurationFaults(warnings, mainFile: origin.file).faults
  }

  init(_ origin: ConfigurationOrigin) {
    self.origin = origin
  }

  mutating func add(
    _ severity: ConfigurationFault.Severity, _ message: String, hint: String, at place: Place?
  ) {
    let fault = ConfigurationFault(severity, origin, message, hint: hint, at: place)
    switch severity {
    // The same file may have two roles.
    case .error: if !errors.contains(fault) { errors.append(fault) }
    case .warning: if !warnings.contains(fault) { warnings.append(fault) }
    }
  }

  /// A fault of a file that the configuration names.
  mutating func add(warning fault: ConfigurationFault) {
    if !warnings.contains(fault) { warnings.append(fault) }
  }

  /// About a file or a folder that the configuration names, or has by default.
  mutating func add(
    _ severity: ConfigurationFault.Severity, _ message: String, hint: String, path: String
  ) {
    add(severity, message, hint: hint, at: origin.place(of: path))
  }
}

extension ConfigurationFault {
  init(
    _ severity: Severity = .error, _ origin: ConfigurationOrigin, _ message: String, hint: String, at place: Place?
  ) {
    self.init(
      severity, file: origin.file, line: place?.line ?? 0, column: place?.column ?? 0, message: message, hint: hint)
  }
}
