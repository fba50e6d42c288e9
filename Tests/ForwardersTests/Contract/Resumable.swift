import GatewayCore

/// An upload over several connections, of which a test's ledger knows offset and state.
struct Resumable: Sendable {
  private var upload: SinkUpload
  /// Where the next connection goes on.
  private(set) var offset = 0

  init(_ upload: SinkUpload, _ forwarder: any Forwarder) {
    self.upload = upload
    self.upload.state = forwarder.initialState(of: upload)
  }

  var key: UploadKey { upload.key }
  var digest: ContentDigest? { upload.facts.digest }

  var record: UploadRecord {
    UploadRecord(
      facts: upload.facts, committed: Int64(offset), granted: upload.facts.total ?? Int64(offset), state: .open,
      epoch: 1, expiresAt: WallTime(milliseconds: 1), storeState: upload.state)
  }

  /// A new connection's sink, open.
  mutating func open(_ forwarder: any Forwarder) async throws -> SinkDriver {
    defer { upload.isResumed = true }
    return try await SinkDriver.open(forwarder, upload, from: Int64(offset))
  }

  mutating func checkpoint(_ sink: SinkDriver) async throws -> Int {
    try await sink.call { $0.checkpoint() }
    let event = await sink.nextButConsumed()
    guard case .safe(let offset, let state) = event else { throw SinkDriver.Unexpected(event: event) }
    return record(offset, state)
  }

  mutating func suspend(_ sink: SinkDriver) async throws -> Int {
    try await sink.call { $0.suspend() }
    let event = await sink.nextButConsumed()
    guard case .suspended(let offset, let state) = event else { throw SinkDriver.Unexpected(event: event) }
    return record(offset, state)
  }

  private mutating func record(_ offset: Int64, _ state: String?) -> Int {
    self.offset = Int(offset)
    if let state { upload.state = state }
    return Int(offset)
  }
}
