import GatewayCore
import XStream

// The one place where the wire's words become the core's.

extension AccessRequest {
  /// - Parameter credentials: what the connection has shown; the packet's token is added.
  init(_ context: RequestContext, credentials: Credentials) {
    var credentials = credentials
    switch context.authorization {
    case nil: break
    case .bearer(let token): credentials.token = token
    // Of a scheme that nobody here knows, so it is a wrong one wherever one is wanted.
    case .unsupported: credentials.token = ""
    }
    self.init(route: context.route, credentials: credentials)
  }
}

extension UploadRequest {
  init(_ open: OpenRequest, _ access: AccessRequest, connection: ClientConnection) {
    self.init(
      access: access, shape: .stream, format: DataFormat(rawValue: open.format.name),
      total: open.total.count, label: open.name?.label, digest: open.digest.flatMap(ContentDigest.init),
      transfer: TransferTerms(open, connection: connection))
  }

  init(_ payload: PayloadRequest, _ access: AccessRequest, connection: ClientConnection) {
    self.init(
      access: access, shape: .payload, format: DataFormat(rawValue: payload.format.name),
      total: payload.size, label: payload.name?.label, digest: payload.digest.flatMap(ContentDigest.init),
      transfer: TransferTerms(
        buffer: payload.size, connection: connection,
        traceparent: payload.context.traceparent.map { "\($0)" }))
  }
}

extension UploadResumption {
  /// A stream is known by its key and its TOTAL (protocol.md, section 5). Its format stays the one that it began with,
  /// whatever the packet says now.
  init(_ resume: ResumeRequest, _ access: AccessRequest, connection: ClientConnection) {
    let open = resume.open
    self.init(
      key: UploadKey(resume.key), access: access, total: .value(open.total.count),
      format: .value(DataFormat(rawValue: open.format.name)),
      digest: open.digest.flatMap(ContentDigest.init), transfer: TransferTerms(open, connection: connection))
  }
}

extension TransferTerms {
  init(_ open: OpenRequest, connection: ClientConnection) {
    self.init(
      buffer: open.buffer, acknowledgeEvery: open.acknowledgeEvery,
      checkpointEvery: open.acknowledgeEvery.map(Self.checkpointEvery), connection: connection,
      traceparent: open.context.traceparent.map { "\($0)" })
  }

  /// Acknowledgements may be spaced wider than asked, up to 8 MiB (protocol.md, section 4): closer than 1 MiB the syncs
  /// would cost more than the bytes. The upper bound is half of that, because while one checkpoint is made the bytes for
  /// the next already arrive.
  private static func checkpointEvery(acknowledgeEvery: Int64) -> Int64 {
    min(max(acknowledgeEvery, 1 << 20), 4 << 20)
  }
}

extension Total {
  /// `nil` for `*`.
  var count: Int64? {
    switch self {
    case .known(let count): count
    case .unlimited: nil
    }
  }
}

extension ContentDigest {
  init?(_ digest: StreamDigest) {
    self.init(bytes: digest.bytes)
  }
}
