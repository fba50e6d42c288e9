package import ConfigurationReading
package import GatewayCore
import TextForms

/// What a file of tokens says of them, for people and programs; never a secret, nor a hash.
package struct TokenAccount: Encodable, Sendable {
  /// Whether a token lets anybody in.
  package enum State: String, Encodable, Sendable {
    case good
    case expired
    case revoked
  }

  /// Says which token is meant where a name has several.
  package var id: String
  package var name: String
  package var group: String?
  /// `nil` for all.
  package var routes: [String]?
  /// RFC 3339; `nil` where it is not known.
  package var created: String?
  /// RFC 3339; `nil` for never.
  package var expires: String?
  /// RFC 3339; `nil` where it was not.
  package var revoked: String?
  package var state: State

  /// All tokens of a file, in its order.
  ///
  /// - Throws: all the file's faults, by line.
  package static func all(in path: String, now: WallTime) throws(ConfigurationFaults) -> [TokenAccount] {
    try TokenFile(text: try TokenFile.text(of: path), file: path, mayBeEmpty: true).lines.map { _, line in
      TokenAccount(
        id: line.id, name: line.name, group: line.group, routes: line.routes, created: moment(line.createdAt),
        expires: moment(line.expiresAt), revoked: moment(line.revokedAt),
        state: line.revokedAt != nil ? .revoked : line.isGood(at: now) ? .good : .expired)
    }
  }

  private static func moment(_ time: WallTime?) -> String? {
    time.map { RFC3339(milliseconds: $0.milliseconds).textInSeconds }
  }
}
