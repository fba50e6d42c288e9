import GatewayCore

extension SinkUpload {
  /// An upload with the facts that a test is about. Its client is the one that began it.
  init(
    key: UploadKey, total: Int64?, digest: ContentDigest? = nil, route: String = "/", format: DataFormat = .bytes,
    label: String? = nil, client: ClientIdentity = .anonymous(address: "unknown"),
    createdAt: WallTime = WallTime(milliseconds: 0), state: String? = nil, isResumed: Bool = false
  ) {
    self.init(
      facts: UploadFacts(
        key: key, route: route, owner: client.owner, subject: client.subject, format: format, label: label,
        digest: digest, total: total, createdAt: createdAt),
      client: client, state: state, isResumed: isResumed)
  }
}
