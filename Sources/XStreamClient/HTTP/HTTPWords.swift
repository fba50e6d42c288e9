import HTTPUpload
import XStream

extension UploadError {
  /// What an HTTP server's word, or the lack of one, means for a person and for what follows.
  static func http(_ problem: DialogueProblem, from server: Counterpart) -> UploadError {
    var error = UploadError(
      code: problem.code, status: problem.status, message: problem.message(server),
      reason: problem.answer?.problem?.text, isWorthAnotherTry: problem.isWorthAnotherTry,
      retryAfter: problem.answer?.retryAfter.map { .seconds($0) })
    error.httpStatus = problem.answer?.status
    if problem.answer?.status == 401, !server.showsToken { error.remedy = .credentials }
    return error
  }
}

extension DialogueProblem {
  fileprivate var code: UploadError.Code {
    switch kind {
    case .refused, .unknownUpload, .tooLarge, .digestMismatch, .redirect, .foreignPlace: .refused
    case .offsetWentBack, .offsetBeyond, .missing, .completeTooEarly: .violation
    case .otherLength: .changed
    case .unknownEnd: .connection
    }
  }

  /// The status of x-stream that comes closest: what follows from it is the same.
  fileprivate var status: Status? {
    switch kind {
    case .unknownUpload: .unknownKey
    case .tooLarge: .tooLarge
    case .digestMismatch: .digest
    case .redirect, .foreignPlace: .noRoute
    case .offsetWentBack, .offsetBeyond, .missing, .completeTooEarly, .otherLength, .unknownEnd: nil
    case .refused:
      switch answer?.status ?? 0 {
      case 401, 403: .unauthorized
      case 404, 405, 410, 421: .noRoute
      case 408, 504: .timeout
      case 409, 423, 425, 429, 503: .busy
      case 413: .tooLarge
      case 415, 422: .format
      case 507: .quota
      case 500...: .internal
      default: .malformed
      }
    }
  }

  fileprivate func message(_ server: Counterpart) -> String {
    let place = server.authority
    let violation = "\(place) broke the protocol"
    let advice = "This is a fault of the server; tell its operator."
    return switch kind {
    case .refused: refusal(server)
    case .unknownUpload:
      "\(place) does not know this unfinished upload: it was completed, given up, kept too long, or is another's. "
        + "Start it again."
    case .tooLarge(let limit): "\(place) takes at most \(limit) bytes in one upload to \(server.route)."
    case .digestMismatch:
      "What \(place) has does not have the digest of what was sent. Send it again."
    case .redirect(let url):
      "\(place) redirects to \(url.isEmpty ? "nowhere" : url). Credentials are not shown elsewhere: if that is right, "
        + "send to that URL."
    case .foreignPlace(let url):
      "\(place) wants the bytes at another host, \(url). Credentials are not shown elsewhere: if that is right, send to "
        + "that host."
    case .offsetWentBack(let offset, let former):
      "\(violation): it said that \(former) bytes are safe, and now that \(offset) are. \(advice)"
    case .offsetBeyond(let offset, let total):
      "\(violation): it says that it has \(offset) bytes of \(total). \(advice)"
    case .missing(let field): "\(violation): \(field) is missing in an answer. \(advice)"
    case .completeTooEarly(let offset):
      "\(violation): it calls the upload complete with \(offset) bytes, and there are more. \(advice)"
    case .otherLength(let length): "The upload at \(place) is of \(length) bytes, and this file has another size."
    case .unknownEnd:
      "The connection to \(place) was lost in a request that cannot be repeated: nobody knows whether it arrived. "
        + "Look there before you send it again."
    }
  }

  private func refusal(_ server: Counterpart) -> String {
    let (place, number) = (server.authority, answer?.status ?? 0)
    switch (number, status) {
    case (403, _):
      let who = server.showsToken || server.showsCertificate ? "whoever shows these credentials" : "everybody"
      return "\(place) does not allow \(who) to upload to \(server.route) (403)."
    case (405, _): return "\(place) takes no uploads at \(server.route) (405). Check the path in the URL."
    case (409, _): return "\(place) has the upload at another offset, or busy (409). Try again later."
    case (421, _): return "\(place) does not answer for this host name (421). Check the URL."
    case (507, _): return "\(place) has no room for this on \(server.route) (507). Go on when there is room again."
    case (_, .malformed): return "\(place) did not accept the request (\(number))."
    case (_, .some(let status)): return status.advice(server)
    case (_, nil): return "\(place) answered \(number)."
    }
  }
}
