import ConfigurationReading

extension LoadReport.Shape {
  init(_ scenario: Scenario) {
    loop = scenario.loop
    arrivals = scenario.loop == .open ? scenario.arrivals : nil
    stages = scenario.stages.map { Stage(seconds: $0.time?.seconds, from: $0.from, to: $0.to) }
    count = scenario.count
    targets = scenario.targets
    uploads = scenario.uploads.map { $0.line(isOnly: scenario.uploads.count == 1) }
    connection = scenario.connection.line
    faults = Dictionary(scenario.faults.map { ($0.kind.rawValue, $0.share) }) { $0 + $1 }
    seed = scenario.seed
  }
}

extension UploadKind {
  /// For a person.
  func line(isOnly: Bool) -> String {
    var text = isOnly ? "" : "weight \(FigureText.digits(weight)): "
    text += "\(size.text) of \(format.rawValue)"
    if let route { text += " to \(route)" }
    if uploadProtocol != .xStream { return text + httpLine }
    if payload { return text + (digest ? ", digest" : "") + ", in one packet" }
    if unknownTotal { text += ", total not announced" }
    text += ", portions of \(ByteSize.text(buffer))"
    if digest { text += ", digest" }
    if let acknowledge { text += ", acknowledged each \(ByteSize.text(acknowledge))" }
    return text
  }
}

extension UploadKind {
  private var httpLine: String {
    var text = unknownTotal ? ", total not announced" : ""
    if digest { text += ", digest" }
    if let acknowledge { text += ", \(ByteSize.text(acknowledge)) a request" }
    return text + ", \(uploadProtocol == .put ? "PUT" : uploadProtocol.rawValue) over HTTP/\(http.rawValue)"
  }
}

extension UploadKind.Size {
  /// For a person.
  var text: String {
    switch self {
    case .fixed(let size): ByteSize.text(size)
    case .range(let range): "\(ByteSize.text(range.lowerBound)) to \(ByteSize.text(range.upperBound))"
    case .logNormal(let median, let sigma, let most):
      "log-normal around \(ByteSize.text(median)) (sigma \(FigureText.digits(sigma)), at most \(ByteSize.text(most)))"
    case .folder(let path): "the files of \(path)"
    }
  }
}

extension ConnectionBehaviour {
  /// For a person.
  var line: String {
    let kept = reuse == .kept ? "connections kept" : "a connection for each upload"
    let speed = bandwidth.map { ", \(ByteSize.text($0))/s each" } ?? ""
    return "\(kept), \(handshake.rawValue) handshakes\(speed), \(threads) thread\(threads == 1 ? "" : "s")"
  }
}
