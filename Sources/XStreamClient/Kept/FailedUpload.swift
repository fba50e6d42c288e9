import XStream

/// What an upload's failure means for the stream: whether anybody may go on with it, and what to do instead.
package struct FailedUpload {
  /// Nobody can go on with it.
  package let isOver: Bool
  /// The server may still hold it for this file's upload.
  package let isHeld: Bool
  /// Its key is not kept for a later run.
  package let isForgotten: Bool
  /// The same file from the beginning may do.
  package let isWorthBeginningAnew: Bool

  /// - Parameters:
  ///   - isFile: whether a later run could go on with it, and this one begin anew.
  ///   - isResumed: whether an earlier run began it.
  package init(_ error: UploadError, isFile: Bool, isResumed: Bool) {
    isForgotten = error.status != .unknownKey
    switch (error.code, error.status) {
    case (.changed, _):
      (isOver, isHeld, isWorthBeginningAnew) = (true, true, isFile)
    case (_, .digest):
      // The server keeps nothing. A new upload would fail in the same way, unless the file was another when it began.
      (isOver, isHeld, isWorthBeginningAnew) = (true, false, isFile && isResumed)
    case (_, .malformed):
      // The earlier run announced another digest.
      (isOver, isHeld, isWorthBeginningAnew) = (isResumed || !isFile, true, isFile && isResumed)
    case (_, .unknownKey):
      // Another run of the command may have taken it over.
      (isOver, isHeld, isWorthBeginningAnew) = (true, false, false)
    case (_, .gone), (.violation, _), (_, .noStream), (_, .format), (_, .tooLarge):
      (isOver, isHeld, isWorthBeginningAnew) = (true, true, false)
    default:
      (isOver, isHeld, isWorthBeginningAnew) = (!isFile, true, false)
    }
  }
}

extension UploadClient {
  /// Gives the server's space back, if that is quick; the server forgets the stream by itself otherwise.
  ///
  /// - Returns: why it could not.
  package func giveUpSoon(_ key: UploadHandle, dialect: String?, at url: UploadURL) async -> String? {
    // The task of its own is not cancelled yet.
    let attempt = Task.detached { try await giveUp(key, dialect: dialect, at: url) }
    let limit = Task.detached {
      try await Task.sleep(for: .seconds(3))
      attempt.cancel()
    }
    defer { limit.cancel() }
    do {
      try await attempt.value
      return nil
    } catch let error as UploadError {
      // What the server does not know it does not hold.
      if error.status == .unknownKey { return nil }
      return error.code == .cancelled ? "No answer within 3 s." : "\(error)"
    } catch {
      return "\(error)"
    }
  }
}
