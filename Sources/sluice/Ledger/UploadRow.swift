import GatewayServer

/// An upload in the words of a table.
struct UploadRow {
  let upload: LedgerAccount.Upload
  let now: LedgerAccount.Moment

  init(_ upload: LedgerAccount.Upload, now: LedgerAccount.Moment) {
    self.upload = upload
    self.now = now
  }

  var state: String {
    ([upload.state] + (upload.role.map { [$0] } ?? []) + (upload.isGone == true ? ["gone"] : [])).joined(separator: " ")
  }
  var safe: String { ByteCount.text(upload.safe) }
  var total: String { upload.total.map(ByteCount.text) ?? "*" }
  var client: String { upload.client.isEmpty ? "-" : upload.client }

  /// Rounded down: 100 is said of what is there to the last byte alone.
  var percent: String {
    guard let total = upload.total else { return "-" }
    guard upload.safe < total else { return "100" }
    return "\(Int(Double(upload.safe) / Double(total) * 100))"
  }

  /// Over the whole time, with every pause in it.
  var rate: String {
    let milliseconds = (upload.finishedAt?.milliseconds ?? now.milliseconds) - upload.createdAt.milliseconds
    guard milliseconds > 0, upload.safe > 0 else { return "-" }
    return ByteCount.text(Int64(Double(upload.safe) / Double(milliseconds) * 1000)) + "/s"
  }

  /// Since it began.
  var age: String { TimeSpan.age(.milliseconds(now.milliseconds - upload.createdAt.milliseconds)) }

  /// Its place, or the client's own name for it where bytes are passed on.
  var file: String { upload.path ?? upload.name ?? "-" }
}
