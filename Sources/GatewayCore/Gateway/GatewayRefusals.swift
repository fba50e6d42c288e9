import Metrics

extension Gateway {
  /// The one way by which a refusal leaves that comes before there is an upload.
  func refuse(_ access: AccessRequest, _ refusal: Refusal) -> Refusal {
    let runtime = gatekeeper.routes[access.route]
    if let runtime {
      runtime.meters.refused(refusal)
      remember(refusal, on: runtime.route.path, of: name(of: access))
    } else {
      refusedNowhere.add()
    }
    observer?.refused(refusal, on: runtime?.route.path)
    return refusal
  }

  func remember(_ refusal: Refusal, on route: String, of client: String) {
    recentRefusals.add(
      RecentRefusals.Entry(at: settings.now(), route: route, client: client, reason: refusal.logDescription))
  }

  /// Who asks, for an operator to read: as far as it is known of who was not let in.
  package func name(of access: AccessRequest) -> String {
    if let client = try? gatekeeper.recognise(access, at: settings.now()) { return client.identity.name }
    let shown = access.credentials
    if let certificate = shown.certificate { return ClientIdentity.certificate(certificate.holder).name }
    return shown.token == nil ? ClientIdentity.anonymous(address: shown.address).name : "token that is not known here"
  }

  func expiry(on route: Route) -> WallTime {
    settings.now().advanced(byMilliseconds: route.resumeFor.milliseconds)
  }

  /// What a client hears of a failure of ledger or store.
  func refusal(for error: any Error) -> Refusal {
    switch error {
    case let refusal as Refusal: refusal
    case LedgerError.quota(_, let windows): quotaRefusal(windows)
    case LedgerError.crowded: .busy(retryAfter: 60)
    case LedgerError.held: .busy(retryAfter: 1)
    case LedgerError.handedOver: .shutdown
    case LedgerError.unknown, LedgerError.fenced: .unknownUpload
    case LedgerError.engine(let what), SinkFailure.storage(let what): .storage(what)
    case SinkFailure.full, SpaceShortage.full: .full
    case let shortage as SpaceShortage: .noRoom(shortage)
    case LedgerError.away(let what): .away(what)
    default: .storage("\(error)")
    }
  }

  /// When the last of `windows` has ended, none of them is a reason any more.
  private func quotaRefusal(_ windows: [QuotaCap]) -> Refusal {
    guard let end = windows.map({ $0.window.addingReportingOverflow($0.length).partialValue }).max() else {
      return .quota
    }
    let seconds = max(1, (end - settings.now().milliseconds + 999) / 1000)
    return .windowFull(retryAfter: Int(seconds))
  }
}
