import GatewayCore
import HTTPUpload

extension RouteTerms {
  /// Whether bytes that turn out to be wrong can be taken back.
  var takesBack: Bool { traits.truncates }

  /// The checksums that hold on this route: what cannot be taken back cannot be checked piece by piece.
  var checksums: [TusChecksum.Algorithm] { takesBack ? TusChecksum.Algorithm.allCases : [] }

  /// Whole seconds that an unfinished upload is kept.
  var keptForSeconds: Int64 { keptFor.components.seconds }
}
