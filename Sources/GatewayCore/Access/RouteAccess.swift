/// Who may upload to a route. Any one of its ways suffices.
package struct RouteAccess: Sendable {
  /// Clients that show nothing are welcome, and those with a certificate as who they are.
  package var takesAnyone: Bool
  /// What else suffices.
  package var ways: [AccessWay]
  /// Who knows the tokens that ``ways`` speak of; `nil` where a token says nothing here.
  package var tokens: (any TokenDirectory)?

  /// All of it.
  package init(takesAnyone: Bool, ways: [AccessWay], tokens: (any TokenDirectory)?) {
    self.takesAnyone = takesAnyone
    self.ways = ways
    self.tokens = tokens
  }

  /// Any certificate that the listener verified, any token that is known, or both.
  package init(takesAnyone: Bool, takesCertificates: Bool, tokens: (any TokenDirectory)?) {
    self.init(
      takesAnyone: takesAnyone,
      ways: (tokens == nil ? [] : [AccessWay(tokens: .any)])
        + (takesCertificates ? [AccessWay(certificates: .any)] : []), tokens: tokens)
  }

  /// Whether any certificate that the listener verified suffices.
  package var takesCertificates: Bool { ways.contains(AccessWay(certificates: .any)) }
}

/// One way to be let in: everything that it names has to be shown.
package struct AccessWay: Hashable, Sendable {
  /// Whose tokens; `nil` asks for none.
  package var tokens: TokenTerms?
  /// Whose certificates; `nil` asks for none.
  package var certificates: CertificateTerms?

  /// Both.
  package init(tokens: TokenTerms? = nil, certificates: CertificateTerms? = nil) {
    self.tokens = tokens
    self.certificates = certificates
  }
}

/// Whose tokens are good.
package struct TokenTerms: Hashable, Sendable {
  /// By the name that they are registered under.
  package var names: Set<String>
  /// By the group that they are registered in.
  package var groups: Set<String>

  /// Everybody's, where both are empty.
  package init(names: Set<String> = [], groups: Set<String> = []) {
    self.names = names
    self.groups = groups
  }

  /// Everybody's.
  package static let any = TokenTerms()

  func includes(_ holder: TokenHolder) -> Bool {
    if names.isEmpty && groups.isEmpty { return true }
    return names.contains(holder.name) || holder.group.map(groups.contains) ?? false
  }
}
