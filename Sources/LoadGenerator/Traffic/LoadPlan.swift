import OperatingSystem
import TLSTransport
import XStream

/// A run that can be begun: everything that could be wrong with it has been looked at.
package struct LoadPlan: Sendable {
  let scenario: Scenario
  let targets: [Target]
  let contexts: [ConnectionProtocol: TLSContext]
  let authorization: Authorization?
  let stocks: Stocks
  /// What the result should say beside the figures.
  let warnings: [String]

  /// Reads what is sent, finds the targets, and sees whether there are file descriptors enough.
  ///
  /// - Parameters:
  ///   - scenario: with at least one target.
  ///   - credentials: whom to trust, and who the client is.
  ///   - ownsTarget: whether somebody has said that the targets may be loaded although they are elsewhere.
  /// - Throws: ``LoadPlanError``.
  package init(
    _ scenario: Scenario, _ credentials: LoadCredentials, ownsTarget: Bool
  ) async throws(LoadPlanError) {
    guard !scenario.targets.isEmpty else { throw .noTarget }
    var warnings: [String] = []
    self.scenario = try Self.fitting(scenario, &warnings)
    targets = try await TargetSearch.find(
      scenario.targets, timeout: scenario.connection.connectTimeout, ownsTarget: ownsTarget)
    do {
      var contexts: [ConnectionProtocol: TLSContext] = [:]
      for speaks in Set(scenario.uploads.map(\.connection)) {
        contexts[speaks] = try TLSContext(
          client: TLSClientConfiguration(
            trust: credentials.trust, identity: credentials.identity, applicationProtocols: [speaks.name]))
      }
      self.contexts = contexts
    } catch {
      throw .tls("\(error)")
    }
    authorization = credentials.token.flatMap { Authorization("Bearer \($0)") }
    stocks = try Stocks(scenario)
    self.warnings =
      warnings
      + stocks.folders.sorted { $0.key < $1.key }.compactMap { path, folder in
        folder.leftOut == 0
          ? nil : "\(folder.leftOut) files of \(path) are left out: no more than 1 GiB is kept in memory"
      }
  }

  /// As many uploads at once as there are file descriptors for: in an open loop the others wait, which is measured.
  private static func fitting(_ scenario: Scenario, _ warnings: inout [String]) throws(LoadPlanError) -> Scenario {
    var scenario = scenario
    // Names to look up, what is sent, results, and what libraries open for a moment.
    let others = DescriptorLimit.inUse + scenario.connection.threads * DescriptorLimit.ofEventLoop + 16
    let allowed = DescriptorLimit.raise()
    let needed = mostConnections(scenario) + others
    guard needed > allowed else { return scenario }
    let factor = mostConnections(scenario) / max(1, scenario.inFlight) + 1
    let fitting = (allowed - others) / factor
    guard scenario.loop == .open, fitting > 0 else { throw .descriptors(needed: needed, allowed: allowed) }
    scenario.inFlight = fitting
    warnings.append(
      "no more than \(fitting) uploads at once: the process may have \(allowed) file descriptors (ulimit -n \(needed))")
    return scenario
  }

  private static func mostConnections(_ scenario: Scenario) -> Int {
    let uploads = scenario.loop == .open ? scenario.inFlight : Int(Levels(scenario.stages).most.rounded(.up))
    // A take-over has two, and connections that end linger for a moment.
    let extra = scenario.faults.contains { $0.kind == .takeOver } ? 2 : 1
    return uploads * extra + uploads / 8
  }
}

/// Why a run cannot be begun.
package enum LoadPlanError: Error, Hashable, Sendable, CustomStringConvertible {
  /// Neither the scenario nor the command names one.
  case noTarget
  /// The address is no URL.
  case target(String)
  /// The name has no address.
  case unknownHost(String, cause: String)
  /// The address is neither loopback nor private.
  case foreign(String, address: String)
  /// Nothing answers there.
  case noAnswer(String, cause: String)
  /// A certificate or a key is no good.
  case tls(String)
  /// A folder of uploads is no good.
  case folder(path: String, cause: String)
  /// The process may not have as many connections.
  case descriptors(needed: Int, allowed: Int)

  /// What is wrong and what to do, for a person.
  package var description: String {
    switch self {
    case .noTarget: "no target: name an address such as xstream://localhost:8443/upload-file"
    case .target(let text): text
    case .unknownHost(let host, let cause): "\(host) has no address: \(cause)"
    case .foreign(let url, let address):
      "\(url) is at \(address), which is neither this machine nor a private network: load it only if it is yours, and "
        + "say so with --i-own-this-target"
    case .noAnswer(let url, let cause): "\(url) does not answer: \(cause)"
    case .tls(let text): text
    case .folder(let path, let cause): "\(path): \(cause)"
    case .descriptors(let needed, let allowed):
      "the run may need \(needed) file descriptors, and the process may have \(allowed): raise the limit "
        + "(ulimit -n \(needed)), or lower `in-flight` or `clients`"
    }
  }
}
