/// Where a request goes, and what its client has shown of itself.
package struct AccessRequest: Sendable {
  /// The route's path as the client named it.
  package var route: String
  /// What the client has shown of itself.
  package var credentials: Credentials
  /// Whether an upload's key stands in for credentials that are not shown, in what is asked of an upload that is there. It
  /// never stands in for wrong ones, and never begins an upload.
  package var takesKey: Bool

  /// All of it.
  package init(route: String, credentials: Credentials, takesKey: Bool = false) {
    self.route = route
    self.credentials = credentials
    self.takesKey = takesKey
  }
}

/// What a client has shown of itself, before a route has judged it.
package struct Credentials: Sendable {
  /// A certificate that the listener verified.
  package var certificate: ShownCertificate?
  /// A bearer token, as it came.
  package var token: String?
  /// Where the connection comes from.
  package var address: String

  /// All of it.
  package init(certificate: ShownCertificate?, token: String?, address: String) {
    self.certificate = certificate
    self.token = token
    self.address = address
  }
}

/// How the client's bytes are carried over this connection. It may differ from one connection of an upload to the next.
package struct TransferTerms: Sendable {
  /// The portion size that the client has in mind, in bytes.
  package var buffer: Int64
  /// Bytes after which the client wants to hear of safe ones; `nil`: never.
  package var acknowledgeEvery: Int64?
  /// Bytes after which a checkpoint is due, as the front's protocol spaces them; `nil` leaves it to the gateway.
  package var checkpointEvery: Int64?
  /// Whether nothing is recorded before the front has judged all bytes of this connection (``Upload/approve()``).
  package var isTentative: Bool
  /// Whether bytes come over this connection: what only asks how an upload stands needs no quota for more.
  package var bringsBytes = true
  /// Which digest of the whole the front tells, should this connection complete the upload.
  package var digest = DigestTelling.announced
  /// What a backend may want to know of the connection.
  package var connection: ClientConnection
  /// The W3C trace context that the request came with.
  package var traceparent: String?

  /// All of it.
  package init(
    buffer: Int64, acknowledgeEvery: Int64? = nil, checkpointEvery: Int64? = nil,
    isTentative: Bool = false, connection: ClientConnection = ClientConnection(), traceparent: String? = nil
  ) {
    self.buffer = buffer
    self.acknowledgeEvery = acknowledgeEvery
    self.checkpointEvery = checkpointEvery
    self.isTentative = isTentative
    self.connection = connection
    self.traceparent = traceparent
  }
}

/// Which digest of a whole upload its client hears of.
package enum DigestTelling: Hashable, Sendable {
  /// One that was announced.
  case announced
  /// One that is computed anyway, too.
  case known
  /// In any case, where it can be computed from here on: that costs half as much processor time as all else does.
  case wanted
}

/// What a client asks for when it begins an upload.
package struct UploadRequest: Sendable {
  /// How the bytes come.
  package enum Shape: Hashable, Sendable {
    /// As an announced stream that can be resumed.
    case stream
    /// In one go, with nothing to resume: what breaks off is dropped. Small: the route bounds it by itself.
    case payload
    /// As ``payload``, but as large as a stream may be, and without a total where the client knows none.
    case whole
  }

  /// Where to, and who.
  package var access: AccessRequest
  /// How the bytes come.
  package var shape: Shape
  /// `nil` where the client named a format that is none.
  package var format: DataFormat?
  /// In bytes; `nil` where the client does not know.
  package var total: Int64?
  /// The client's own name for the file; a label, never a path.
  package var label: String?
  /// ``UploadFacts/metadata``.
  package var metadata: [String: String]
  /// What the whole must have.
  package var digest: ContentDigest?
  /// The most that this upload can bring over all of its connections, in bytes, where no total says so; `nil` for no bound
  /// but the route's.
  package var atMost: Int64?
  /// Whether it is to be a part of others (``UploadRole/part``).
  package var isPart = false
  /// Whether the client understands an offer of less than all.
  package var understandsParts: Bool
  /// How the bytes are carried.
  package var transfer: TransferTerms

  /// All of it.
  package init(
    access: AccessRequest, shape: Shape, format: DataFormat?, total: Int64?, label: String? = nil,
    metadata: [String: String] = [:], digest: ContentDigest? = nil, atMost: Int64? = nil,
    understandsParts: Bool = true, transfer: TransferTerms
  ) {
    self.access = access
    self.shape = shape
    self.format = format
    self.total = total
    self.label = label
    self.metadata = metadata
    self.digest = digest
    self.atMost = atMost
    self.understandsParts = understandsParts
    self.transfer = transfer
  }
}

/// What a client asks for when it goes on with an upload. Each front declares what its protocol carries; what is declared
/// must fit what is recorded, and is judged before an older connection is disturbed.
package struct UploadResumption: Sendable {
  /// Which upload.
  package var key: UploadKey
  /// Where to, and who.
  package var access: AccessRequest
  /// The total as the client knows it, in bytes; `nil` inside for an unknown one.
  package var total: Declared<Int64?>
  /// What the client now calls the bytes, `nil` inside for a format that is none. The route must take it, but the
  /// recorded format stays.
  package var format: Declared<DataFormat?>
  /// Where the client wants to go on, in bytes from the stream's start.
  package var offset: Int64?
  /// The total in bytes, of an upload that began without one.
  package var lateTotal: Int64?
  /// What the whole must have.
  package var digest: ContentDigest?
  /// Where the bytes of this connection end at most, where no total says so, in bytes from the stream's start; `nil` for no
  /// bound but the route's.
  package var atMost: Int64?
  /// How the bytes are carried.
  package var transfer: TransferTerms

  /// All of it.
  package init(
    key: UploadKey, access: AccessRequest, total: Declared<Int64?> = .nothing,
    format: Declared<DataFormat?> = .nothing,
    offset: Int64? = nil, lateTotal: Int64? = nil, digest: ContentDigest? = nil, atMost: Int64? = nil,
    transfer: TransferTerms
  ) {
    self.key = key
    self.access = access
    self.total = total
    self.format = format
    self.offset = offset
    self.lateTotal = lateTotal
    self.digest = digest
    self.atMost = atMost
    self.transfer = transfer
  }
}

/// Something that a protocol lets a client say, or not.
package enum Declared<Value: Sendable>: Sendable {
  /// The client said nothing of it.
  case nothing
  /// The client said this.
  case value(Value)
}
