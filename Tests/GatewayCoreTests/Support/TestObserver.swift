import GatewayCore
import Synchronization

/// Writes down what a gateway tells its observer, each as one line.
final class TestObserver: GatewayObserver {
  private let state = Mutex((said: [String](), ends: [UploadEnd]()))

  var said: [String] { state.withLock { $0.said } }
  var ends: [UploadEnd] { state.withLock { $0.ends } }

  func refused(_ refusal: Refusal, on route: String?) {
    state.withLock { $0.said.append("refused \(refusal) on \(route ?? "no route")") }
  }

  func offered(_ facts: UploadFacts, _ offer: UploadOffer) {
    state.withLock { $0.said.append("offered \(offer.offset)..<\(offer.granted)") }
  }

  func ended(_ end: UploadEnd) {
    state.withLock { state in
      state.said.append("ended: \(end.event.line)")
      state.ends.append(end)
    }
  }
}
