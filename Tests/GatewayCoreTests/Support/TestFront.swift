import GatewayCore
import NIOCore

/// Writes down what an upload says, each as one line.
final class TestFront {
  var upload: Upload?
  private(set) var said: [String] = []
  private(set) var offer: UploadOffer?
  private(set) var isPaused = false
  var onEvent: (UploadEvent) -> Void = { _ in }

  var last: String? { said.last }

  func heard(_ event: UploadEvent) {
    switch event {
    case .offered(let offer): self.offer = offer
    case .paused: isPaused = true
    case .resumed: isPaused = false
    case .refused, .alreadyComplete, .safe, .complete, .suspended, .failed, .superseded, .unauthorized: break
    }
    said.append(event.line)
    onEvent(event)
  }

  func write(_ count: Int) {
    upload?.write(ByteBuffer(repeating: 7, count: count))
  }
}

extension UploadEvent {
  /// As one line.
  var line: String {
    switch self {
    case .offered(let offer): "offered \(offer.offset)..<\(offer.granted)"
    case .refused(let refusal): "refused \(refusal)"
    case .alreadyComplete(let account): "already complete \(account.safe)"
    case .paused: "paused"
    case .resumed: "resumed"
    case .safe(let offset): "safe \(offset)"
    case .complete(let size, _): "complete \(size)"
    case .suspended(let offset): "suspended \(offset)"
    case .failed(let failure, let safe):
      switch failure {
      case .full: "failed full \(safe)"
      case .storage: "failed storage \(safe)"
      case .outgrown(let refusal): "outgrown \(refusal) \(safe)"
      case .digest: "failed digest \(safe)"
      case .content: "failed content \(safe)"
      case .rejected: "failed rejected \(safe)"
      case .backend: "failed backend \(safe)"
      case .backendTimeout: "failed backend timeout \(safe)"
      }
    case .superseded: "superseded"
    case .unauthorized: "unauthorized"
    }
  }
}
