internal import CLinux
internal import Glibc

/// What the process may reach from now on, by the kernel's Landlock: whatever it opened before stays open.
///
/// <https://docs.kernel.org/userspace-api/landlock.html>
package struct Landlock {
  /// What may be done with the files of a folder, and with those of the folders in it.
  package enum Right: Hashable, Sendable {
    /// Its files are read, and its names are listed.
    case read
    /// As ``read``, and its files are run.
    case run
    /// Files and folders are made, written, moved and removed.
    case write
    /// Unix sockets are made and removed.
    case listen
  }

  /// A folder or a file.
  package struct Place: Hashable, Sendable {
    /// Absolute.
    package var path: String
    package var right: Right

    package init(_ path: String, _ right: Right) {
      self.path = path
      self.right = right
    }
  }

  /// Ports of TCP.
  package struct Ports: Hashable, Sendable {
    /// That may be listened on.
    package var listening: Set<Int>
    /// Whether the process may connect at all.
    package var connects: Bool

    package init(listening: Set<Int>, connects: Bool) {
      self.listening = listening
      self.connects = connects
    }
  }

  /// What of the request the kernel can hold the process to.
  package struct Extent: Hashable, Sendable {
    /// The version of its interface.
    package var version: Int
    /// Not before version 4.
    package var coversPorts: Bool { version >= 4 }
  }

  /// Why the process is not restricted.
  package enum Failure: Error, Equatable {
    /// The kernel has no Landlock, or it was started without.
    case missing
    /// A system call failed.
    case system(call: String, cause: String)
  }

  /// The version of the kernel's interface; `nil` where there is none.
  package static var version: Int? {
    let version = sluice_landlock_version()
    return version >= 1 ? Int(version) : nil
  }

  /// Restricts the calling thread and every thread that it starts. Places that are not there are passed over.
  ///
  /// Call it while there is only one thread: the kernel does not restrict others.
  package static func restrict(to places: [Place], _ ports: Ports) throws(Failure) -> Extent {
    guard let version else { throw .missing }
    let extent = Extent(version: version)
    var wanted = sluice_landlock_ruleset(
      files: Access.all(version), network: extent.coversPorts ? Access.bind | (ports.connects ? 0 : Access.connect) : 0,
      scopes: version >= 6 ? Access.signals : 0)
    let size = version >= 6 ? 24 : version >= 4 ? 16 : 8
    let rules = sluice_landlock_make(&wanted, size)
    guard rules >= 0 else { throw failure("landlock_create_ruleset") }
    defer { close(rules) }
    for place in places { try allow(place, rules, version) }
    for port in ports.listening where extent.coversPorts {
      var rule = sluice_landlock_port(allowed: Access.bind, port: UInt64(port))
      guard sluice_landlock_allow_port(rules, &rule) == 0 else { throw failure("landlock_add_rule") }
    }
    guard sluice_gain_no_rights() == 0 else { throw failure("prctl") }
    guard sluice_landlock_restrict(rules) == 0 else { throw failure("landlock_restrict_self") }
    return extent
  }

  private static func allow(_ place: Place, _ rules: CInt, _ version: Int) throws(Failure) {
    let descriptor = FileName.withBytes(of: place.path) { open($0, __O_PATH | O_CLOEXEC) }
    guard descriptor >= 0 else { return }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { return }
    // The kernel refuses rights of folders where the place is none.
    let isFolder = status.st_mode & S_IFMT == S_IFDIR
    var rule = sluice_landlock_beneath(
      allowed: Access.of(place.right) & Access.all(version) & (isFolder ? .max : Access.ofFiles), parent: descriptor)
    guard sluice_landlock_allow_beneath(rules, &rule) == 0 else { throw failure("landlock_add_rule") }
  }

  private static func failure(_ call: String) -> Failure {
    .system(call: call, cause: String(cString: strerror(errno)))
  }

  /// The kernel's bits.
  private enum Access {
    static let bind: UInt64 = 1 << 0
    static let connect: UInt64 = 1 << 1
    static let signals: UInt64 = 1 << 1

    private static let execute: UInt64 = 1 << 0
    private static let writeFile: UInt64 = 1 << 1
    private static let readFile: UInt64 = 1 << 2
    private static let readFolder: UInt64 = 1 << 3
    private static let removeFolder: UInt64 = 1 << 4
    private static let removeFile: UInt64 = 1 << 5
    private static let makeFolder: UInt64 = 1 << 7
    private static let makeFile: UInt64 = 1 << 8
    private static let makeSocket: UInt64 = 1 << 9
    private static let moveBetweenFolders: UInt64 = 1 << 13
    private static let truncate: UInt64 = 1 << 14

    /// Those that a file by itself can have.
    static let ofFiles: UInt64 = execute | writeFile | readFile | truncate

    /// All that a version knows: 13 at first, then one more in each of versions 2, 3 and 5.
    static func all(_ version: Int) -> UInt64 {
      switch version {
      case ...1: (1 << 13) - 1
      case 2: (1 << 14) - 1
      case 3, 4: (1 << 15) - 1
      default: (1 << 16) - 1
      }
    }

    static func of(_ right: Right) -> UInt64 {
      switch right {
      case .read: readFile | readFolder
      case .run: readFile | readFolder | execute
      case .write:
        readFile | readFolder | writeFile | removeFolder | removeFile | makeFolder | makeFile | moveBetweenFolders
          | truncate
      case .listen: removeFile | makeSocket
      }
    }
  }
}
