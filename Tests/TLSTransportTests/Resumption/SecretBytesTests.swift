import Testing

@testable import TLSTransport

/// Secrets at one place in memory.
@Suite struct SecretBytesTests {
  @Test("they are what they were made of, and equal to the same ones alone")
  func contents() {
    let secret = SecretBytes([1, 2, 3])
    #expect(secret.withBytes { [$0[0], $0[1], $0[2]] } == [1, 2, 3])
    #expect(secret == SecretBytes([1, 2, 3]) && secret != SecretBytes([1, 2, 4]) && secret != SecretBytes([1, 2]))
  }

  @Test("an array that was a secret has only zeros, in the memory that it had")
  func wiped() {
    var bytes: [UInt8] = [1, 2, 3]
    let before = bytes.withUnsafeBufferPointer { UInt(bitPattern: $0.baseAddress) }
    wipe(&bytes)
    #expect(bytes == [0, 0, 0])
    #expect(bytes.withUnsafeBufferPointer { UInt(bitPattern: $0.baseAddress) } == before)
  }
}
