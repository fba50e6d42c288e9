internal import COpenSSL
internal import NIOCore

// How the records that come in after the handshake are read: by a ``RecordDecryptor``, or by libssl.
extension TLSSession {
  /// libssl calls this for whatever it reads and writes. Two kinds count against the allowance, because libssl answers
  /// them without telling its caller: handshake messages after the handshake, and attempts to renegotiate, which it
  /// refuses with an alert (100).
  static let messageCallback:
    @convention(c) (CInt, CInt, CInt, UnsafeRawPointer?, Int, OpaquePointer?, UnsafeMutableRawPointer?) -> Void = {
      isWritten, _, kind, bytes, count, _, data in
      guard let data, let bytes, count > 1 else { return }
      let isMessage = isWritten == 0 && kind == SSL3_RT_HANDSHAKE
      let isRefusal =
        isWritten == 1 && kind == SSL3_RT_ALERT && bytes.load(fromByteOffset: 1, as: UInt8.self) == 100
      guard isMessage || isRefusal else { return }
      Unmanaged<TLSSession>.fromOpaque(data).takeUnretainedValue().spendAllowance()
    }

  private func spendAllowance() {
    guard !allowance.spend() else { return }
    hasFlooded = true
    // Without input libssl returns to its caller.
    _ = buffers.takeInput()
  }

  func readRecords(into plaintext: inout ByteBuffer, _ received: inout Received) {
    if let decryptor {
      decryptRecords(decryptor, into: &plaintext, &received)
    } else {
      readRecordsByLibrary(into: &plaintext, &received)
    }
  }

  private func decryptRecords(
    _ decryptor: RecordDecryptor, into plaintext: inout ByteBuffer, _ received: inout Received
  ) {
    let opened = decryptor.open(buffers.takeInput(), into: &plaintext)
    received.plaintextByteCount += opened.plaintextByteCount
    received.hasChangedRecordPath = opened.hasChangedCipher
    // One update answers all requests for one (RFC 8446, section 4.6.3).
    if opened.isKeyUpdateWanted, !hasSentCloseNotify {
      OpenSSLErrors.clear()
      guard SSL_key_update(handle, SSL_KEY_UPDATE_NOT_REQUESTED) == 1, SSL_do_handshake(handle) == 1 else {
        received.failure = fail()
        return
      }
    }
    switch opened.end {
    case nil: return
    case .closeNotify:
      hasReceivedCloseNotify = true
      received.closeNotify = true
    case .alert(let code):
      let description = SSL_alert_desc_string_long(CInt(code)).map { String(cString: $0) } ?? "unknown"
      received.failure = fail(.protocolViolation(reason: "the peer's alert: \(description) (\(code))"))
    case .violation(let violation):
      provoke(decryptor.provocation(of: violation))
      let described = describeFailure()
      received.failure = fail(violation == .flood ? .flooded : described)
    case .library:
      received.failure = fail()
    }
  }

  /// Gives libssl a record that it answers with the right alert.
  private func provoke(_ record: [UInt8]) {
    record.withUnsafeBytes { bytes in
      buffers.lend(bytes) {
        var byte: UInt8 = 0
        var count = 0
        OpenSSLErrors.clear()
        _ = SSL_read_ex(handle, &byte, 1, &count)
      }
    }
  }

  private func readRecordsByLibrary(into plaintext: inout ByteBuffer, _ received: inout Received) {
    // The peer decides how many answers it provokes, so their bytes are limited.
    buffers.outputLimit = buffers.output.readableBytes + Self.answerLimit
    defer { buffers.outputLimit = .max }
    while true {
      plaintext.reserveCapacity(minimumWritableBytes: 1)
      var count = 0
      OpenSSLErrors.clear()
      let result = plaintext.withUnsafeMutableWritableBytes { SSL_read_ex(handle, $0.baseAddress, $0.count, &count) }
      if result == 1 {
        plaintext.moveWriterIndex(forwardBy: count)
        received.plaintextByteCount += count
        allowance.earn(count)
        continue
      }
      guard !hasFlooded else {
        // Only in TLS 1.3 can libssl be made to send an alert for this.
        if SSL_version(handle) == TLS1_3_VERSION { provoke([20, 3, 3, 0, 1, 1]) }
        OpenSSLErrors.clear()
        received.failure = fail(.flooded)
        return
      }
      switch SSL_get_error(handle, result) {
      case SSL_ERROR_WANT_READ where !buffers.isOverLimit:
        return
      case SSL_ERROR_ZERO_RETURN:
        hasReceivedCloseNotify = true
        received.closeNotify = true
        return
      default:
        received.failure = fail()
        return
      }
    }
  }
}
