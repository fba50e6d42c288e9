/// A file that was opened to be uploaded.
public struct FileToSend: Sendable {
  let open: OpenFile
  /// Where it lies, and what finds an earlier run's upload of it again. Nil for what has no size that can be trusted (a
  /// pipe, a device, a file of `/proc` or `/sys`): it goes as a stream of unknown length, and no later run can go on
  /// with it.
  public let identity: FileIdentity?

  /// Opens a file. Symbolic links are followed.
  ///
  /// - Throws: ``UploadError`` with the code `source`.
  public init(_ path: LocalPath) throws(UploadError) {
    do throws(FeedError) {
      open = try OpenFile(path)
      identity = open.hasSize ? try open.identity() : nil
    } catch {
      throw error.error(nil)
    }
  }
}
