import Foundation

/// What a test needs of the machine that it runs on: root, a program, a device. At a developer's desk a test without it
/// ends early. Where the environment variable `CI` is set it fails instead, so that nobody takes it for passed.
public enum Prerequisite {
  /// Whether a test can do its work here; if not, it should return.
  ///
  /// - Parameters:
  ///   - isThere: whether the machine has it.
  ///   - what: for a person, such as "strace".
  /// - Throws: ``MissingPrerequisite`` where `CI` is set and the machine does not have it.
  public static func isMet(_ isThere: Bool, _ what: String) throws(MissingPrerequisite) -> Bool {
    guard !isThere else { return true }
    guard let value = ProcessInfo.processInfo.environment["CI"], !value.isEmpty else { return false }
    throw MissingPrerequisite(what: what)
  }
}

/// A test could not do its work, where it has to.
public struct MissingPrerequisite: Error, CustomStringConvertible {
  /// What the machine lacks.
  public let what: String

  /// One line for a person.
  public var description: String {
    "this test needs \(what), which is not here, and where CI is set no test may be left out"
  }
}
