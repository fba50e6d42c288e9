import XStream

/// Whom a client speaks to, and how it showed who it is: for messages.
struct Counterpart: Sendable {
  let url: XStreamURL
  let showsToken: Bool
  let showsCertificate: Bool
}
