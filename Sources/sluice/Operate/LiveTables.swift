import TextForms

/// A gateway's report as a screen of text: what is open first, since that changes.
struct LiveTables {
  /// The oldest uploads, as a screen holds no more.
  private static let mostUploads = 20
  private static let mostRefusals = 5

  let report: LiveReport

  func lines() -> [String] {
    var sections = [[head], uploads, routes]
    if report.routes.contains(where: { $0.backends != nil }) { sections.append(backends) }
    if !report.refusals.isEmpty { sections.append(refusals) }
    return Array(sections.joined(separator: [""]))
  }

  private var head: String {
    let rate = report.uploads.reduce(0) { $0 + $1.rate }
    return "\(report.name), sluice \(report.version), up \(TimeSpan.age(.milliseconds(report.now - report.started)))"
      + "; \(report.uploads.count) uploads, \(ByteCount.text(rate))/s; \(report.connections) of \(report.connectionLimit) "
      + "connections; \(ByteCount.text(report.memory)) of \(ByteCount.text(report.memoryLimit)) of memory"
      + (report.draining ? "; STOPPING" : "")
  }

  private var uploads: [String] {
    guard !report.uploads.isEmpty else { return ["no upload is open"] }
    var table = TextTable("UPLOAD", "ROUTE", "SAFE", "TOTAL", "%", "RATE", "AGE", "CLIENT", "FILE")
    for upload in report.uploads.sorted(by: { $0.since < $1.since }).prefix(Self.mostUploads) {
      let percent = upload.total.map { $0 > 0 ? "\(Int(Double(upload.at) / Double($0) * 100))" : "100" } ?? "-"
      table.append(
        upload.upload, upload.route, ByteCount.text(upload.at), upload.total.map(ByteCount.text) ?? "*", percent,
        ByteCount.text(upload.rate) + "/s", TimeSpan.age(.milliseconds(report.now - upload.since)), upload.client,
        upload.file ?? "-")
    }
    let more = report.uploads.count - Self.mostUploads
    return table.lines() + (more > 0 ? ["and \(more) more"] : [])
  }

  private var routes: [String] {
    var table = TextTable("ROUTE", "OPEN", "COMPLETE", "RECEIVED", "USED", "RESERVED", "CAP", "%", "FREE")
    for route in report.routes {
      let taken = route.cap > 0 ? "\(Int(Double(route.used + route.reserved) / Double(route.cap) * 100))" : "-"
      table.append(
        route.path, "\(route.open ?? 0)", "\(route.complete ?? 0)", ByteCount.text(route.received ?? 0),
        ByteCount.text(route.used), ByteCount.text(route.reserved), ByteCount.text(route.cap), taken,
        route.free.map(ByteCount.text) ?? "-")
    }
    return table.lines()
  }

  private var backends: [String] {
    var table = TextTable("BACKEND", "ROUTE", "STATE", "UPLOADS")
    for route in report.routes {
      for backend in route.backends ?? [] {
        table.append(backend.address, route.path, backend.up ? "up" : "DOWN", "\(backend.uploads)")
      }
    }
    return table.lines()
  }

  private var refusals: [String] {
    var table = TextTable("REFUSED", "ROUTE", "CLIENT", "WHY")
    for refused in report.refusals.sorted(by: { $0.at > $1.at }).prefix(Self.mostRefusals) {
      table.append(
        RFC3339(milliseconds: refused.at).textInSeconds, refused.route, refused.client, refused.reason)
    }
    return table.lines()
  }
}
