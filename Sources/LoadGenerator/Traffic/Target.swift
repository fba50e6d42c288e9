import NIOCore
import XStream

/// Where uploads go: a URL and the address it was found to have.
struct Target: Sendable {
  var url: XStreamURL
  var address: SocketAddress
}
