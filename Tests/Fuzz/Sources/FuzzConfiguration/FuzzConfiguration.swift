import ConfigurationReading
import Forwarders
import FuzzDriver
import GatewayCore

@testable import GatewayServer

/// Reads a configuration, the text alone: it is taken, or each fault says where it is and what to do.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzConfiguration(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  let text = String(decoding: UnsafeBufferPointer(start: start, count: count), as: UTF8.self)
  do throws(ConfigurationFaults) {
    let configuration = try Configuration.parse(text, file: name, base: "/fuzz", checkingFiles: false)
    check(configuration, text)
  } catch {
    precondition(!error.faults.isEmpty, "refused without a reason")
    for fault in error.faults { check(fault, text) }
    // A second reading finds the same.
    let again = Result { () throws(ConfigurationFaults) in
      try Configuration.parse(text, file: name, base: "/fuzz", checkingFiles: false)
    }
    guard case .failure(let faults) = again, faults == error else { preconditionFailure("other faults: \(again)") }
  }
  return 0
}

private let name = "sluice.yaml"

private func check(_ fault: ConfigurationFault, _ text: String) {
  // YAML's ends of lines, with U+0085, U+2028 and U+2029, and one line more for what is behind the last.
  let lines = text.unicodeScalars.split(omittingEmptySubsequences: false) {
    ["\n", "\r", "\u{85}", "\u{2028}", "\u{2029}"].contains($0)
  }
  precondition(fault.file == name && fault.severity == .error, "\(fault)")
  precondition((1...(lines.count + 1)).contains(fault.line), "line \(fault.line) of \(lines.count): \(fault)")
  precondition(fault.column >= 1, "no column: \(fault)")
  precondition(!fault.message.isEmpty && !fault.hint.isEmpty, "no words: \(fault)")
  let shown = fault.description.unicodeScalars.filter { $0 != "\n" }
  precondition(!shown.contains { $0.properties.generalCategory == .control }, "a control character is shown")
}

/// What every gateway relies on, whatever was configured.
private func check(_ configuration: Configuration, _ text: String) {
  precondition(!configuration.routes.isEmpty && !configuration.listeners.isEmpty, "nothing to do")
  precondition(configuration.window <= configuration.memory && configuration.window >= 65_536, "the window")
  precondition((1...1_000_000).contains(configuration.connections), "\(configuration.connections) connections")
  precondition(configuration.state.hasPrefix("/"), "the state \(configuration.state)")
  let times = configuration.timeouts
  for time in [times.handshake, times.head, times.idle, times.silence, times.shutdown] {
    precondition(time >= .milliseconds(1) && time <= .seconds(86_400), "\(time)")
  }
  var stores: Set<String> = []
  for entry in configuration.routes {
    precondition((try? RoutePath.parse(entry.route.path)) == entry.route.path, "the route \(entry.route.path)")
    precondition(entry.route.limits.upload > 0 && entry.route.limits.payload <= entry.route.limits.upload, "the limits")
    if case .directory(let settings) = entry.destination {
      precondition(settings.directory.hasPrefix("/") && stores.insert(settings.directory).inserted, "the stores")
    }
  }
}
