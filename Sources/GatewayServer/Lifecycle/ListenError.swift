import NIOCore

#if canImport(Glibc)
  import Glibc
#else
  import Musl
#endif

/// The address of `listen` cannot be listened on.
public struct ListenError: Error, CustomStringConvertible {
  let address: ListenAddress
  let cause: String

  init(_ address: ListenAddress, _ error: any Error) {
    self.address = address
    cause = (error as? IOError).map { String(cString: strerror($0.errnoCode)) } ?? "\(error)"
  }

  /// What was wrong, where, and what to do.
  public var description: String {
    "cannot listen on \(address) (\(cause)): stop what listens there, or name another address in `listen`"
  }
}
