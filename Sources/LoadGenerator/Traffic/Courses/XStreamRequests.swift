import XStream

extension XStreamCourse {
  /// What the next exchange asks for.
  var request: ClientRequest {
    let context = RequestContext(
      route: plan.kind.route ?? worker.targets[plan.target].url.route, authorization: worker.authorization)
    let total = plan.kind.unknownTotal ? Total.unlimited : .known(plan.size)
    switch step {
    case .asking:
      guard let point else { break }
      return .ask(AskRequest(context: context, total: total, key: point.key))
    case .givingUp:
      guard let point else { break }
      return .giveUp(GiveUpRequest(context: context, key: point.key))
    case .uploading:
      break
    }
    if plan.kind.payload {
      return .payload(
        PayloadRequest(context: context, format: plan.kind.format.wire, size: plan.size, digest: plan.digest))
    }
    let open = OpenRequest(
      context: context, format: plan.kind.format.wire, total: total, buffer: plan.kind.buffer,
      acknowledgeEvery: plan.kind.acknowledge, digest: plan.digest)
    return point.map { .resume(ResumeRequest(open: open, key: $0.key)) } ?? .open(open)
  }
}

extension UploadKind.Format {
  var wire: StreamFormat {
    switch self {
    case .bytes: .bytes
    case .text: .text
    case .json: .json
    }
  }
}
