package import ConfigurationReading
import GatewayCore
import OperatingSystem
import TLSTransport

/// All that a start does before it opens anything to write: what `sluice check` tells, and what `sluice serve` begins with.
/// It changes nothing.
package struct Preparation: Sendable {
  /// What was looked at.
  package let configuration: Configuration
  /// What a gateway runs with, and somebody should know.
  package let warnings: [ConfigurationFault]
  /// Where somebody listens where the gateway would, at this moment: no reason for a configuration to be wrong, since it may
  /// be the gateway itself.
  package let addressesInUse: [ConfigurationFault]
  let context: TLSContext
  /// Of the sessions of this context, and of those that follow it.
  let ticketKeys: TicketKeys
  let descriptors: DescriptorPlan

  /// Looks at all that the configuration names.
  ///
  /// - Throws: everything that would keep a gateway from starting, as far as it can be known without a start.
  package init(_ configuration: Configuration, _ frontSet: FrontSet? = nil) throws(ConfigurationFaults) {
    try self.init(
      configuration, frontSet ?? .of(configuration), descriptorLimit: DescriptorLimit.raise(),
      descriptorsInUse: DescriptorLimit.inUse)
  }

  /// - Parameters:
  ///   - descriptorLimit: file descriptors that the process may have.
  ///   - descriptorsInUse: those that it has.
  init(
    _ configuration: Configuration, _ frontSet: FrontSet? = nil, descriptorLimit: Int, descriptorsInUse: Int
  ) throws(ConfigurationFaults) {
    var findings = Findings(configuration.origin)
    ticketKeys = TicketKeys()
    let tls = CertificateReading.read(
      configuration, (frontSet ?? .of(configuration)).applicationProtocols, ticketKeys, &findings)
    FolderReading.look(at: configuration, &findings)
    TokenReading.look(at: configuration, now: .now(), &findings)
    descriptors = DescriptorPlan(
      configuration, limit: descriptorLimit, foreign: max(8, descriptorsInUse))
    Self.judge(descriptors, configuration, &findings)
    Self.judgeMemory(of: configuration, &findings)
    addressesInUse = Self.listen(configuration, &findings)
    guard findings.errors.isEmpty, let tls else {
      precondition(!findings.errors.isEmpty, "a configuration was refused without a reason")
      throw ConfigurationFaults(findings.errors, mainFile: configuration.origin.file)
    }
    self.configuration = configuration
    context = tls.context
    ticketKeys.share(tls.sharedKeys)
    warnings = findings.sortedWarnings
  }

  /// What a reload reads and looks at before it changes anything: certificates, keys and stores.
  ///
  /// - Throws: everything that a running gateway cannot take over.
  static func ofReload(
    _ configuration: Configuration, _ frontSet: FrontSet, _ ticketKeys: TicketKeys
  ) throws(ConfigurationFaults) -> (context: TLSContext, sharedKeys: [TicketKey], warnings: [ConfigurationFault]) {
    var findings = Findings(configuration.origin)
    let tls = CertificateReading.read(configuration, frontSet.applicationProtocols, ticketKeys, &findings)
    FolderReading.stores(of: configuration, &findings)
    guard findings.errors.isEmpty, let tls else {
      precondition(!findings.errors.isEmpty, "a configuration was refused without a reason")
      throw ConfigurationFaults(findings.errors, mainFile: configuration.origin.file)
    }
    return (tls.context, tls.sharedKeys, findings.sortedWarnings)
  }

  /// The most client connections at once: as many as are wanted, or as there are descriptors for.
  var connections: Int { min(configuration.connections, descriptors.affordable) }

  private static func listen(_ configuration: Configuration, _ findings: inout Findings) -> [ConfigurationFault] {
    let places = configuration.origin.listeners
    let admin = adminPlace(configuration, &findings)
    return configuration.listeners.enumerated().compactMap { index, listener in
      let place = places.indices.contains(index) ? places[index] : nil
      switch AddressProbe.look(at: listener, besides: configuration.listeners) {
      case .free: return nil
      case .inUse: return Findings.inUse(.warning, listener, configuration, at: place)
      case .impossible(let cause, let hint):
        findings.add(.error, "`listen`: cannot listen on \(listener): \(cause)", hint: hint, at: place)
        return nil
      }
    } + admin
  }

  private static func adminPlace(_ configuration: Configuration, _ findings: inout Findings) -> [ConfigurationFault] {
    guard let admin = configuration.admin else { return [] }
    let place = configuration.origin.keys["admin"]
    switch AddressProbe.look(at: Listener(admin.place)) {
    case .free: return []
    case .inUse: return [AdminListener.inUse(.warning, admin, configuration, at: place)]
    case .impossible(let cause, let hint):
      findings.add(
        .error, "`admin.listen`: cannot listen on \(admin.description): \(cause)", hint: hint, at: place)
      return []
    }
  }

  /// Connections have no more than half of the memory. What nobody wrote is nobody's mistake.
  private static func judgeMemory(of configuration: Configuration, _ findings: inout Findings) {
    let affordable = MemoryBudget(limit: Int(configuration.memory)).mostOfConnections / ConnectionMemory.open
    guard let place = findings.origin.connections, affordable < configuration.connections else { return }
    let wanted = ByteSize.text(Int64(configuration.connections) * Int64(ConnectionMemory.open) * 2)
    findings.add(
      .warning,
      "`connections: \(configuration.connections)` may hold more than half of `memory` "
        + "(\(ByteSize.text(configuration.memory))): \(affordable) at once, and others wait",
      hint: "write `memory: \(wanted)`, or `connections: \(affordable)`", at: place)
  }

  private static func judge(
    _ plan: DescriptorPlan, _ configuration: Configuration, _ findings: inout Findings
  ) {
    let remedy = "raise the limit (`ulimit -n`, or `LimitNOFILE=` of systemd)"
    guard plan.affordable >= 1 else {
      findings.add(
        .error, "the gateway needs \(plan.needed(for: 1)) file descriptors, and the process may have \(plan.limit)",
        hint: remedy, at: nil)
      return
    }
    guard plan.affordable < configuration.connections else { return }
    findings.add(
      .warning,
      "`connections: \(configuration.connections)` needs \(plan.needed(for: configuration.connections)) file "
        + "descriptors, and the process may have \(plan.limit): \(plan.affordable) at once, and others wait",
      hint: "\(remedy), or write `connections: \(plan.affordable)`", at: findings.origin.connections)
  }
}
