import NIOCore

/// A worker as others than its event loop see it.
struct WorkerOnLoop: Sendable {
  let loop: any EventLoop
  let worker: NIOLoopBound<LoadWorker>

  func stop() {
    loop.execute { worker.value.stop(isTimeUp: false) }
  }

  func takeSecond() async -> SecondTally {
    (try? await loop.submit { worker.value.takeSecond() }.get()) ?? SecondTally()
  }

  func tally() async -> Tally {
    (try? await loop.submit { worker.value.recorder.tally }.get()) ?? Tally()
  }
}
