import NIOCore

// How a stream of unknown length gets more than its first grant. What arrives beyond what is reserved waits in memory, and
// the client is not read from meanwhile.
extension Upload {
  /// Passes on what is granted, and asks for more where that is nearly used up.
  func writeWithinGrant(_ bytes: ByteBuffer) {
    beyondGrant.append(bytes)
    passOn()
  }

  private func passOn() {
    // A sink that ends takes nothing more.
    guard let received = machine.position, let granted = growth?.granted else { return }
    var position = received - beyondGrant.reduce(0) { $0 + Int64($1.readableBytes) }
    while var bytes = beyondGrant.first, position < granted {
      let room = granted - position
      if Int64(bytes.readableBytes) <= room {
        beyondGrant.removeFirst()
        sink?.write(bytes)
        position += Int64(bytes.readableBytes)
      } else if let slice = bytes.readSlice(length: Int(room)) {
        beyondGrant[0] = bytes
        sink?.write(slice)
        position += room
      }
    }
    if !beyondGrant.isEmpty, machine.grantUsedUp() == .pause { onEvent?(.paused) }
    askForMore(at: received)
  }

  private func askForMore(at received: Int64) {
    guard let lease, let granted = growth?.granted, let end = growth?.ask(at: received) else { return }
    let bound = NIOLoopBound(self, eventLoop: eventLoop)
    gateway.grow(lease, from: granted, to: end, admission, on: eventLoop) { bound.value.machine.position != nil }
      .assumeIsolated().whenComplete { result in
        switch result {
        case .success(let grown):
          self.growth?.grew(to: grown.end)
          if grown.spare > 0 {
            // What the sink has not consumed yet keeps its own.
            let kept = grown.end - self.machine.consumedOffset
            self.admission.runtime.forwarder.limitReservedSpace(to: max(0, kept), of: self.key)
          }
          self.goOnAfterGrowth()
        case .failure(let error):
          self.growth?.refused()
          self.refuseGrowth(error)
        }
      }
  }

  private func goOnAfterGrowth() {
    if let lastWord { return end(lastWord) }
    passOn()
    guard beyondGrant.isEmpty else { return }
    if machine.grantGrew() == .resume { onEvent?(.resumed) }
    if finishesOnceGrown { finish() }
  }

  private func refuseGrowth(_ error: any Error) {
    if let lastWord { return end(lastWord) }
    // There may be more when it is needed.
    guard !beyondGrant.isEmpty else { return }
    switch error {
    case LedgerError.fenced, LedgerError.unknown:
      wasTakenOver()
      carryOut(machine.leave())
    default: carryOut(machine.outgrown(gateway.refusal(for: error)))
    }
  }
}
