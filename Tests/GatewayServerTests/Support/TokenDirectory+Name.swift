import GatewayCore

extension TokenDirectory {
  /// The name that a token is registered under.
  func name(of token: String) -> String? { holder(of: token)?.name }
}
