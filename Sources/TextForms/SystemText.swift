/// Texts for system calls.
package enum SystemText {
  /// Hands bytes to a system call, with the NUL that ends them there.
  ///
  /// - Parameter bytes: without a NUL.
  package static func withCString<Result>(_ bytes: [UInt8], _ body: (UnsafePointer<CChar>) -> Result) -> Result {
    (bytes + [0]).withUnsafeBufferPointer { buffer in
      buffer.withMemoryRebound(to: CChar.self) { memory in
        guard let start = memory.baseAddress else { preconditionFailure("an array that has a NUL has memory") }
        return body(start)
      }
    }
  }
}
