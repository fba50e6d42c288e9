import CLinux
import Forwarders
import Fronts
import GatewayCore
import Ledgers
import Logging
import NIOCore
import TLSTransport

extension TLSServerConfiguration {
  init(_ tls: Configuration.TLS, applicationProtocols: [String]) {
    let certificates: ClientCertificates =
      switch (tls.clientCA, tls.clientCertificate) {
      case (nil, _), (_, .unasked): .none
      case (let file?, .optional): .optional(caFile: file)
      case (let file?, .required): .required(caFile: file)
      }
    self.init(
      certificateChainFile: tls.certificate, privateKeyFile: tls.privateKey,
      profile: tls.profile == .modern ? .modern : .intermediate, applicationProtocols: applicationProtocols,
      clientCertificates: certificates, revocation: tls.clientRevocation.map(Revocation.init),
      records: tls.records == .openssl ? .library : .direct)
  }
}

extension TLSServerConfiguration.Revocation {
  init(_ revocation: Configuration.ClientRevocation) {
    self.init(
      file: revocation.file, coverage: revocation.coverage == .chain ? .chain : .client,
      acceptsExpired: revocation.acceptsExpired)
  }
}

extension FrontTimeouts {
  init(_ timeouts: Configuration.Timeouts) {
    self.init(
      head: TimeAmount(timeouts.head), idle: TimeAmount(timeouts.idle), silence: TimeAmount(timeouts.silence))
  }
}

extension Configuration.RouteEntry {
  /// - Parameters:
  ///   - window: bytes of one upload that may be received and not yet passed on.
  ///   - memory: the same of all uploads.
  func makeForwarder(
    window: Int, memory: MemoryBudget, ledger: EmbeddedLedger, claims: StoreClaims, threads: StoreThreads,
    eventLoops: any EventLoopGroup, logger: Logger
  ) throws -> any Forwarder {
    switch destination {
    case .directory(var settings):
      settings.window = window
      let flush = try ledger.makeFlush()
      let store = try DirectoryStore(
        settings, threads: threads,
        beforeNames: { (synced) throws(SinkFailure) in
          do throws(LedgerError) {
            try flush.flushAnswers(afterSyncOf: synced)
          } catch {
            throw .storage("the ledger failed: \(error.logDescription)")
          }
        },
        onPresence: { [route = route.path] presence in
          switch presence {
          case .away(let reason):
            logger.error(
              "Store is not in its place: nothing is taken", metadata: ["route": "\(route)", "reason": "\(reason)"])
          case .back: logger.notice("Store is in its place again", metadata: ["route": "\(route)"])
          }
        })
      if try !claims.introduce(store, settings, of: route.path) {
        logger.warning(
          "Store has no mark yet: its disk is full",
          metadata: ["route": "\(route.path)", "store": "\(settings.directory)"])
      }
      return store
    case .pipe(let settings):
      return try PipeForwarder(settings, eventLoops: eventLoops, memory: memory) { [route = route.path] backend, isUp in
        logger.log(
          level: isUp ? .notice : .warning, "\(isUp ? "Backend is up" : "Backend cannot be reached")",
          metadata: ["backend": "\(backend)", "route": "\(route)"])
      }
    }
  }
}

extension Configuration.Threads {
  var count: Int {
    switch self {
    case .automatic: max(1, Int(sluice_processors()))
    case .exactly(let count): count
    }
  }
}
