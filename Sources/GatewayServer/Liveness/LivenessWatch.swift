import Forwarders
import Ledgers
import NIOCore
import NIOPosix
import OperatingSystem

/// Asks event loops to answer, and looks how long threads have been at what they do.
package final class LivenessWatch: Sendable {
  private let questions: [(eventLoop: any EventLoop, open: BusySince)]
  private let threads: [(kind: Liveness.Kind, busy: [BusySince])]

  init(eventLoops: MultiThreadedEventLoopGroup, storeThreads: StoreThreads, ledger: any ServedLedger) {
    questions = eventLoops.makeIterator().map { (eventLoop: $0, open: BusySince()) }
    threads = [
      (.storeThread, storeThreads.storing), (.computingThread, storeThreads.calculating), (.ledger, ledger.writers),
    ]
  }

  /// How it stands, from any thread and without waiting. An event loop that was asked at the last look and has not answered
  /// since owes an answer; so whoever wants to know it within a second looks each second.
  package func look() -> Liveness {
    var parts: [Liveness.Part] = []
    for (number, question) in questions.enumerated() {
      let owing = question.open.duration
      parts.append(Liveness.Part(kind: .eventLoop, number: number, owing: owing ?? .zero))
      if question.open.begin() { question.eventLoop.execute { question.open.end() } }
    }
    for (kind, busy) in threads {
      for (number, thread) in busy.enumerated() {
        parts.append(Liveness.Part(kind: kind, number: number, owing: thread.duration ?? .zero))
      }
    }
    return Liveness(parts: parts)
  }
}
