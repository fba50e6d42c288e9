/// Everything that a request can be refused for. ``ProblemAnswer`` says what a client reads of it.
package enum HTTPProblem: Error, Sendable, Equatable {
  // The message.
  case badTarget(TargetFault)
  case badName
  case badMessage(MessageFault)
  case badField(String)
  case missingField(String)
  case unexpectedField(String)
  case badForm(MultipartFault)
  case hostIsNotOurs
  case targetTooLong
  case headTooLarge
  case transferCodingUnknown
  case expectationUnknown
  case contentEncoded
  case notAcceptable(offered: String)
  /// The media types that are taken here.
  case mediaType(accepted: [String])

  // Whom and what.
  case unauthorized
  case crossSite
  case forbidden
  case notFound
  case gone
  case methodNotAllowed(allowed: [String])
  case lengthRequired

  // The state of an upload.
  case wrongOffset(expected: Int64, provided: Int64)
  case completedUpload(gone: Bool)
  case inconsistentLength
  /// Another request went on with the upload.
  case superseded
  case finalUpload
  case completeUploadStays
  case tusVersion

  // What it brings.
  case tooLarge(limit: Int64?)
  case contentRefused(offset: Int64?)
  case digestUnsupported(algorithms: [String], field: String)
  case digestInvalid(algorithm: String, field: String)
  case digestMismatch(algorithm: String, provided: [UInt8], field: String)
  case checksumUnknown
  case checksumMismatch

  // The gateway.
  case quota
  case storageFull
  case storageFailed
  case backendFailed
  case backendTimeout
  case busy(retryAfter: Duration)
  case shuttingDown
  case methodUnknown
  /// The client was silent for too long.
  case requestTimeout
  /// The client brought its body too slowly, or took too long for it.
  case tooSlow(String)
}

/// Why the target of a request is none.
package enum TargetFault: String, Sendable, Equatable, CaseIterable {
  case form = "the request target is neither a path nor an https URL"
  case fragment = "the request target has a fragment"
  case character = "the request target has a character that has to be percent-encoded"
  case percent = "the request target has a bad percent-encoding"
  case nul = "the request target has a NUL"
  case encoding = "the request target is not UTF-8"
  case dots = "the request target has a dot segment"
}

/// Why a message's framing or host is refused.
package enum MessageFault: String, Sendable, Equatable, CaseIterable {
  case contentLength = "Content-Length is not one number below 2^63"
  case lengthAndCoding = "Content-Length and Transfer-Encoding stand together"
  case transferCoding = "the last transfer coding is not chunked, or chunked stands twice"
  case codingInOldVersion = "Transfer-Encoding does not belong to this version of HTTP"
  case noHost = "Host is missing"
  case twoHosts = "Host stands more than once"
  case badHost = "Host is no host"
  case otherHost = "Host differs from the authority of the target"
  case contentRange = "Content-Range has no meaning in a PUT"
  case content = "the message is malformed"
}
