import ConfigurationReading
import Forwarders
import Glibc
import OperatingSystem

/// What of the file system and of the network a gateway needs: all else is out of its reach, and so of whoever takes it over.
struct ReachablePlaces: Equatable {
  var places: [Landlock.Place] = []
  var ports: Landlock.Ports

  init(_ configuration: Configuration) {
    let connects = Self.connects(configuration)
    ports = Landlock.Ports(listening: [], connects: connects)
    let admin = configuration.admin.map { [$0.place] } ?? []
    for place in configuration.listeners.map(\.place) + admin {
      switch place {
      case .address(let address): ports.listening.insert(address.port)
      case .unix(let path): allow(FilePlace.parent(of: path), .listen)
      // Opened already.
      case .systemd: break
      }
    }
    allow(configuration.state, .write)
    // The socket at which another process takes over.
    allow(configuration.state, .listen)
    let homes = Self.homes(configuration)
    for store in configuration.routes.compactMap(\.destination.store) {
      allow(Self.root(of: store.directory, within: homes), .write)
    }
    for file in configuration.files { allowToRead(file) }
    for place in Self.ofTheSystem + (connects ? Self.ofTheSystemForConnections : []) { allow(place, .read) }
    if let database = configuration.database {
      for file in DatabaseReading.files(of: database) { allowToRead(file) }
      for place in DatabaseReading.places { allow(place, .read) }
    }
    for case .command(let command) in configuration.recipients { allow(command) }
  }

  /// Whether it connects to others: backends, a database, receivers of events, and whoever checks what is held.
  private static func connects(_ configuration: Configuration) -> Bool {
    let routes = configuration.routes
    for entry in routes where entry.destination.store == nil || entry.holdUntil?.connects == true { return true }
    let recipients = configuration.recipients
    for recipient in recipients where recipient.connects { return true }
    return configuration.database != nil
  }

  /// What `new` needs and this one does not reach, in words: a process that was confined stays so.
  func lacks(for new: ReachablePlaces) -> [String] {
    var lacking = new.places.filter { wanted in
      !places.contains { $0.right == wanted.right && FilePlace.contains($0.path, wanted.path) }
    }.map(\.path)
    lacking += new.ports.listening.subtracting(ports.listening).sorted().map { "port \($0)" }
    if new.ports.connects, !ports.connects { lacking.append("connections to others") }
    return lacking
  }

  /// What a command is: its own folder, the system's programs, and what the configuration says that it needs. What confines
  /// the gateway confines whatever it starts.
  private mutating func allow(_ command: Configuration.Command) {
    let program = command.arguments[0]
    for folder in [FilePlace.parent(of: program), FilePlace.parent(of: FilePlace.canonical(program))] + Self.programs {
      allow(folder, .run)
    }
    for device in Self.devices { allow(device, .write) }
    for place in ["/etc"] + command.reads { allow(place, .read) }
    for folder in command.writes { allow(folder, .write) }
  }

  private mutating func allow(_ path: String, _ right: Landlock.Right) {
    let place = Landlock.Place(FilePlace.canonical(path), right)
    if !places.contains(place) { places.append(place) }
  }

  /// By its folder: a file that is renewed is mostly another file of the same name, and often a link's other target.
  private mutating func allowToRead(_ file: String) {
    allow(FilePlace.parent(of: file), .read)
    allow(FilePlace.parent(of: FilePlace.canonical(file)), .read)
  }

  /// Folders that are the gateway's as a whole: those of the configuration, and of `state`.
  private static func homes(_ configuration: Configuration) -> Set<String> {
    let files = [configuration.state] + (configuration.origin.path.map { [$0] } ?? [])
    return Set(files.map { FilePlace.parent(of: FilePlace.canonical($0)) }).subtracting(["/"])
  }

  /// A folder of the gateway's own stands for the stores in it, so that a reload may add one. A disk that is mounted anew is
  /// another one for the kernel, so the folder that it is mounted in stands for it.
  private static func root(of directory: String, within homes: Set<String>) -> String {
    let parent = FilePlace.parent(of: FilePlace.canonical(directory))
    if homes.contains(parent) { return parent }
    var (own, above) = (stat(), stat())
    guard parent != "/", stat(directory, &own) == 0, stat(parent, &above) == 0, own.st_dev != above.st_dev else {
      return directory
    }
    return parent
  }

  /// What libdispatch reads of its threads, by their own numbers, and how names of hosts are resolved. Of other processes
  /// Landlock lets nobody read more than anybody may.
  private static let ofTheSystem = [
    "/proc", "/etc/hosts", "/etc/host.conf", "/etc/nsswitch.conf", "/etc/resolv.conf", "/etc/gai.conf",
    "/etc/services", "/run/systemd/resolve", "/usr/lib", "/lib", "/lib64",
  ]

  /// Where commands find others, and what links them.
  private static let programs = ["/usr", "/bin", "/sbin", "/lib", "/lib64"]
  private static let devices = ["/dev/null", "/dev/zero", "/dev/urandom", "/dev/random"]

  /// The authorities that `tls: {}` of a pipe trusts, a database's connection, and receivers of events.
  private static let ofTheSystemForConnections = [
    "/etc/ssl", "/etc/pki", "/usr/share/ca-certificates", "/usr/local/share",
  ]
}

extension Configuration {
  /// Those that it names, and itself.
  var files: [String] {
    var files = origin.paths.map(\.path).filter { path in
      var status = stat()
      return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
    }
    if let path = origin.path { files.append(path) }
    return files
  }
}

extension Configuration.Recipient {
  /// Whether the gateway, or what it starts, connects to anything for it.
  fileprivate var connects: Bool {
    switch self {
    case .command(let command): command.connects
    case .server: true
    }
  }
}
