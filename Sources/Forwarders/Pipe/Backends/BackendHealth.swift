internal import CLinux
internal import NIOCore
internal import NIOPosix

/// Finds out again and again which backends can be reached, by connecting to each. The connection is reset, so that no
/// backend takes it for an upload of no bytes.
struct BackendHealth: Sendable {
  let addresses: [BackendAddress]
  let settings: PipeForwarder.Health
  let table: BackendTable

  /// Until the task is cancelled.
  func start(on eventLoop: any EventLoop) -> RepeatedTask {
    let every = TimeAmount(settings.every)
    return eventLoop.scheduleRepeatedAsyncTask(initialDelay: every, delay: every) { _ in
      EventLoopFuture.andAllComplete(addresses.map { check($0, on: eventLoop) }, on: eventLoop)
    }
  }

  private func check(_ address: BackendAddress, on eventLoop: any EventLoop) -> EventLoopFuture<Void> {
    let bootstrap = ClientBootstrap(group: eventLoop).connectTimeout(TimeAmount(settings.timeout))
    let connected =
      switch address {
      case .host(let host, let port): bootstrap.connect(host: host, port: port)
      case .unix(let path): bootstrap.connect(unixDomainSocketPath: path)
      }
    return connected.flatMap { channel in
      try? channel.pipeline.syncOperations.withUnsafeTransportIfAvailable(of: NIOBSDSocket.Handle.self) {
        _ = sluice_reset_on_close($0, 1)
      }
      return channel.close()
    }
    .map { table.mark(address, isUp: true) }
    .flatMapErrorThrowing { _ in table.mark(address, isUp: false) }
  }
}
