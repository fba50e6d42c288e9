internal import CLinux
internal import GatewayCore
internal import Glibc
internal import NIOCore
internal import NIOPosix
internal import TLSTransport

/// Opens streams to backends: the first candidate that can be reached gets the upload.
struct BackendConnector: Sendable {
  let settings: PipeForwarder.Settings
  /// `nil` sends plaintext.
  let tls: TLSContext?
  let pool: BackendTable
  let leftBehind: LeftBehindMemory
  /// Without one no clock is read.
  let observer: (any BackendObserver)?

  /// Tries one backend after the other, on the stream's future event loop.
  func open(
    for upload: SinkUpload, on eventLoop: any EventLoop, then: @escaping (Result<PipeStream, SinkFailure>) -> Void
  ) {
    let packet: ByteBuffer?
    do {
      packet = settings.header == .packet ? try OpenPacket.bytes(for: upload) : nil
    } catch {
      return then(.failure(.backend("`header: packet` cannot announce this upload: \(error)")))
    }
    attempt(
      pool.candidates(for: upload.key)[...], for: upload, packet: packet, on: eventLoop, failures: [], then: then)
  }

  private func attempt(
    _ candidates: ArraySlice<BackendAddress>, for upload: SinkUpload, packet: ByteBuffer?, on eventLoop: any EventLoop,
    failures: [String], then: @escaping (Result<PipeStream, SinkFailure>) -> Void
  ) {
    guard let address = candidates.first else {
      return then(.failure(.backend("no backend can be reached: \(failures.joined(separator: "; "))")))
    }
    let begin = observer.map { _ in ContinuousClock.now }
    connect(to: address, for: upload, packet: packet, on: eventLoop) { stream in
      guard let failure = stream.failure else {
        pool.mark(address, isUp: true)
        if let begin { observer?.opened(address, after: .now - begin) }
        return then(.success(stream))
      }
      pool.mark(address, isUp: false)
      if let begin { observer?.unreachable(address, after: .now - begin) }
      let reason: String
      if case .backend(let what) = failure { reason = what } else { reason = "\(failure)" }
      attempt(
        candidates.dropFirst(), for: upload, packet: packet, on: eventLoop, failures: failures + [reason], then: then)
    }
  }

  /// - Parameter then: called once, when the stream can take bytes or has failed.
  private func connect(
    to address: BackendAddress, for upload: SinkUpload, packet: ByteBuffer?, on eventLoop: any EventLoop,
    then: @escaping (PipeStream) -> Void
  ) {
    let stream = PipeStream(
      to: address, for: upload, settings: settings, leftBehind: leftBehind, eventLoop: eventLoop, onReady: then)
    let bound = NIOLoopBound(stream, eventLoop: eventLoop)
    let bootstrap = ClientBootstrap(group: eventLoop)
      .connectTimeout(TimeAmount(settings.connectTimeout))
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          // The bootstrap would make futures for each of these.
          let options = channel.syncOptions
          try options?.setOption(.allowRemoteHalfClosure, value: true)
          try options?.setOption(.writeBufferWaterMark, value: .init(low: 256 << 10, high: 512 << 10))
          try options?.setOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: 4096))
          try channel.pipeline.syncOperations.addHandler(PipeHandler(bound.value), name: "pipe")
        }
      }
    let connected: EventLoopFuture<any Channel>
    switch address {
    case .host(let host, let port):
      // Bytes go out in large writes: waiting to fill a segment costs nothing, and small ones are joined.
      let tcp = bootstrap.channelOption(.tcpOption(.tcp_nodelay), value: 0)
      // An address is no name: asking a resolver for it takes another thread and a tenth of a small upload's time.
      if let numeric = try? SocketAddress(ipAddress: host, port: port) {
        // NIO would make a timer, a promise and a turn of the event loop for what takes no time on this machine.
        let socket = numeric.withSockAddr { sluice_connect_loopback($0, socklen_t($1)) }
        connected = socket >= 0 ? tcp.withConnectedSocket(socket) : tcp.connect(to: numeric)
      } else {
        connected = tcp.connect(host: host, port: port)
      }
    case .unix(let path): connected = bootstrap.connect(unixDomainSocketPath: path)
    }
    connected.hop(to: eventLoop).assumeIsolated().whenComplete { result in
      switch result {
      case .failure(let error): stream.failed(error)
      case .success(let channel):
        pool.began(address)
        channel.closeFuture.whenComplete { _ in pool.ended(address) }
        stream.connected(channel)
        begin(stream, on: channel, for: upload, packet: packet)
      }
    }
  }

  /// What goes before the upload's bytes. The PROXY header comes before TLS, as load balancers send it.
  private func begin(_ stream: PipeStream, on channel: any Channel, for upload: SinkUpload, packet: ByteBuffer?) {
    if settings.header == .proxyV2 {
      channel.writeAndFlush(
        ProxyHeader.bytes(for: upload.transfer.connection, uniqueID: upload.key.logID), promise: nil)
    }
    if let tls {
      do {
        let handler = try TLSHandler(
          context: tls, serverName: serverName(of: stream.address),
          handshakeDeadline: TimeAmount(settings.connectTimeout))
        try channel.pipeline.syncOperations.addHandlers(
          [TransportEndHandler(stream), handler], position: .first)
      } catch {
        return stream.failed(error)
      }
    }
    if let packet { channel.writeAndFlush(packet, promise: nil) }
    if tls == nil { stream.ready() }
  }

  private func serverName(of address: BackendAddress) -> String? {
    if let name = settings.tls?.serverName { return name }
    if case .host(let host, _) = address { return host }
    return nil
  }
}
