import DevelopmentCertificates
import TLSTransport

extension Certificates {
  static func serverContext() throws -> TLSContext {
    try TLSContext(
      server: TLSServerConfiguration(
        certificateChainFile: directory + "/server.pem", privateKeyFile: directory + "/server.key",
        applicationProtocols: ["x-stream/1"]))
  }
}
