import GatewayCore
import TLSTransport

extension RunningGateway {
  /// From now on clients are judged by what another reading of the configuration found: authorities, lists of revoked
  /// certificates, tokens, and who may upload to which route. Everything else stays as it was at the start.
  ///
  /// Connections go on with the certificates that they began with. Requests, and uploads at their next bytes, are judged anew.
  package func publishRights(of preparation: Preparation) {
    // Rules last: when they are seen, what vouches for certificates is there.
    tlsContext.publish(preparation.context)
    gateway.access.publish(
      Dictionary(preparation.configuration.routes.map { ($0.route.path, $0.route.access) }) { first, _ in first })
  }
}
