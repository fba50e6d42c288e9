internal import ContentDigests
internal import GatewayCore

/// What is learned of an upload's bytes while they pass: their digest, and whether they are what their format says.
final class Inspection {
  /// Bytes from the stream's start that were seen.
  private(set) var offset: Int64 = 0
  private let hasher: SHA256Hasher?
  private let inspectors: [any ContentInspector]

  /// - Parameter checked: the format that the bytes are held against; `nil` for none.
  init(digests: Bool, checked: DataFormat?) {
    hasher = digests ? SHA256Hasher() : nil
    inspectors =
      switch checked {
      case nil, .bytes: []
      case .text: [UTF8Inspector()]
      case .json: [JSONInspector()]
      }
  }

  /// Whether there is anything to look at the bytes for.
  var isNeeded: Bool { hasher != nil || !inspectors.isEmpty }

  /// The next bytes.
  func take(_ bytes: UnsafeRawBufferPointer) throws(SinkFailure) {
    hasher?.update(bytes)
    offset += Int64(bytes.count)
    do throws(ContentFault) {
      for inspector in inspectors { try inspector.inspect(bytes) }
    } catch {
      throw .content(error)
    }
  }

  /// There are no more.
  ///
  /// - Returns: the digest, where one was wanted.
  func finish() throws(SinkFailure) -> ContentDigest? {
    do throws(ContentFault) {
      for inspector in inspectors { try inspector.finish() }
    } catch {
      throw .content(error)
    }
    return hasher.flatMap { ContentDigest(bytes: $0.finish()) }
  }
}
