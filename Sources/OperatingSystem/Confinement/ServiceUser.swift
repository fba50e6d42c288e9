internal import CLinux
internal import Glibc

/// A user of this machine that the process becomes.
package struct ServiceUser: Hashable, Sendable {
  /// As the machine calls it.
  package let name: String
  private let user: UInt32
  private let group: UInt32

  /// `nil` where the machine knows no user of that name, or it is the superuser, for whom nothing is forbidden.
  package init?(name: String) {
    guard let entry = getpwnam(name)?.pointee, entry.pw_uid != 0 else { return nil }
    self.name = name
    user = entry.pw_uid
    group = entry.pw_gid
  }

  /// Whether the process is this user already.
  package var isCurrent: Bool { getuid() == user && geteuid() == user }

  /// Becomes the user, with its groups and none of the superuser's rights.
  ///
  /// - Parameter mayListenBelow1024: keeps the one right that such a port needs.
  /// - Throws: ``Failure`` where the process may not, because it is not the superuser's.
  package func become(mayListenBelow1024: Bool) throws(Failure) {
    guard sluice_keep_rights(1) == 0, initgroups(name, group) == 0, setresgid(group, group, group) == 0,
      setresuid(user, user, user) == 0, sluice_reduce_rights(mayListenBelow1024 ? 1 : 0) == 0,
      sluice_keep_rights(0) == 0
    else { throw Failure(cause: String(cString: strerror(errno))) }
    // Whoever can become the superuser again has given up nothing.
    guard setresuid(0, 0, 0) != 0, getuid() == user else { throw Failure(cause: "the superuser's rights came back") }
  }

  /// The process may not become the user.
  package struct Failure: Error {
    package let cause: String
  }
}
