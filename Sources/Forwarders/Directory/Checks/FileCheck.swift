package import GatewayCore
package import NIOCore

/// Judges the file of an upload that is whole, before it gets its final name.
package protocol FileCheck: Sendable {
  /// Whether uploads whose bytes come over a connection that begins now are judged.
  var isWanted: Bool { get }

  /// What comes of it. Does not fail.
  func check(_ file: FileToCheck, on eventLoop: any EventLoop) -> EventLoopFuture<FileVerdict>
}

/// A file that is whole and durable, and has no final name.
package struct FileToCheck: Sendable {
  /// Where it is. The upload's key is in it, which is a secret.
  package var path: String
  /// What is known of the upload.
  package var facts: UploadFacts
  /// Of the upload, in bytes; a compressed file has others.
  package var size: Int64
  /// Whether the file is compressed.
  package var isCompressed: Bool
}

/// What came of it.
package enum FileVerdict: Hashable, Sendable {
  /// It may have its final name.
  case passed
  /// It may never have it, and why, without a word of the client's own. With `isKept` the file is put aside.
  case rejected(String, isKept: Bool)
  /// Nobody knows, and why: the file stays as it is, and is judged again when its client goes on with the upload.
  case unknown(String)
}
