import CLinux
import Forwarders
import Fronts
import GatewayCore
import Ledgers
import Logging
import NIOCore
import TLSTransport

extension TLSServerConfiguration {
  /// For those who ask for no other name.
  init(_ tls: Configuration.TLS, applicationProtocols: [String]) {
    self.init(
      certificateChainFile: tls.certificate, privateKeyFile: tls.privateKey,
      profile: tls.profile == .modern ? .modern : .intermediate, applicationProtocols: applicationProtocols,
      clientCertificates: ClientCertificates(tls.clientCA, tls.clientCertificate),
      revocation: tls.clientRevocation.map(Revocation.init),
      records: tls.records == .openssl ? .library : .direct, stapleFile: tls.staple)
  }

  /// For those who ask for this name.
  init(_ named: Configuration.NamedCertificate, _ tls: Configuration.TLS, applicationProtocols: [String]) {
    self.init(tls, applicationProtocols: applicationProtocols)
    certificateChainFile = named.certificate
    privateKeyFile = named.privateKey
    clientCertificates = ClientCertificates(named.clientCA, named.clientCertificate)
    revocation = named.clientRevocation.map(Revocation.init)
    stapleFile = named.staple
    hostName = named.name
  }
}

extension TLSServerConfiguration.Revocation {
  init(_ revocation: Configuration.ClientRevocation) {
    self.init(
      file: revocation.file, coverage: revocation.coverage == .chain ? .chain : .client,
      acceptsExpired: revocation.acceptsExpired)
  }
}

extension TLSServerConfiguration.ClientCertificates {
  fileprivate init(_ file: String?, _ demand: Configuration.ClientCertificate) {
    switch (file, demand) {
    case (nil, _), (_, .unasked): self = .none
    case (let file?, .optional): self = .optional(caFile: file)
    case (let file?, .required): self = .required(caFile: file)
    }
  }
}

extension FrontTimeouts {
  init(_ timeouts: Configuration.Timeouts) {
    self.init(
      head: TimeAmount(timeouts.head), idle: TimeAmount(timeouts.idle), silence: TimeAmount(timeouts.silence),
      progress: timeouts.progress, upload: timeouts.upload.map { TimeAmount($0) })
  }
}

extension Configuration.RouteEntry {
  /// - Parameters:
  ///   - window: bytes of one upload that may be received and not yet passed on.
  ///   - memory: the same of all uploads.
  ///   - former: the pipe of the same route that this one follows.
  func makeForwarder(
    window: Int, memory: MemoryBudget, ledger: any ServedLedger, claims: StoreClaims, threads: StoreThreads,
    check: any FileCheck,
    succeeding former: PipeForwarder? = nil, eventLoops: any EventLoopGroup, logger: Logger
  ) throws -> any Forwarder {
    switch destination {
    case .directory(var settings):
      settings.window = window
      let flush = try ledger.flushOfAnswers()
      let store = try DirectoryStore(
        settings, threads: threads,
        beforeNames: { (synced) throws(SinkFailure) in
          do throws(LedgerError) {
            try flush?.flushAnswers(afterSyncOf: synced)
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
        }, observer: StoreMeters(), check: check)
      if try !claims.introduce(store, settings, of: route.path) {
        logger.warning(
          "Store has no mark yet: its disk is full",
          metadata: ["route": "\(route.path)", "store": "\(settings.directory)"])
      }
      return store
    case .pipe(let settings):
      return try PipeForwarder(
        settings, succeeding: former, eventLoops: eventLoops, memory: memory,
        onChange: { [route = route.path] backend, isUp in
          logger.log(
            level: isUp ? .notice : .warning, "\(isUp ? "Backend is up" : "Backend cannot be reached")",
            metadata: ["backend": "\(backend)", "route": "\(route)"])
        }, observer: BackendMeters(settings.backends))
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
