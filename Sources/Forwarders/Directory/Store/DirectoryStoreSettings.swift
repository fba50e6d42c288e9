extension DirectoryStore {
  /// How a directory store keeps uploads.
  package struct Settings: Hashable, Sendable {
    /// A path; no other store may have it.
    package var directory: String
    /// What compresses files; `nil` keeps the uploads' own bytes.
    package var engine: CompressionEngine?
    /// What complete uploads are called.
    package var name: NameTemplate
    /// What is kept beside a complete upload.
    package var metadata: Metadata
    /// Space of the file system that is left to others, in bytes; `nil` leaves a twentieth of it, 1 GiB at least and
    /// 50 GiB at most, but never more than a quarter.
    package var minFree: Int64?
    /// Whether bytes are held against the format that their client named.
    package var checksContent: Bool
    /// Whether files of the uploads' own bytes are written past the page cache, where the file system has a way.
    package var isDirect: Bool
    /// Whether other gateways use the folder too: what is in it and is no upload that this one knows is theirs.
    package var isShared: Bool
    /// Bytes of one upload that may wait here at once, for as many processors as there are to have work from them.
    package var window: Int

    /// What is kept beside a complete upload.
    package enum Metadata: String, CaseIterable, Hashable, Sendable {
      /// Nothing.
      case none
      /// A file of JSON that says whose it is, what it is and when it came.
      case sidecar
    }

    /// Files of the uploads' own bytes, called by their keys, unless something else is said.
    package init(
      directory: String, engine: CompressionEngine? = nil, name: NameTemplate = .key, metadata: Metadata = .none,
      minFree: Int64? = nil, checksContent: Bool = false, isDirect: Bool = true, isShared: Bool = false,
      window: Int = 4 << 20
    ) {
      self.directory = directory
      self.engine = engine
      self.name = name
      self.metadata = metadata
      self.minFree = minFree
      self.checksContent = checksContent
      self.isDirect = isDirect
      self.isShared = isShared
      self.window = window
    }

    /// What uploads leave free of a file system of `size` bytes, in bytes.
    package func leftFree(ofDisk size: Int64) -> Int64 {
      minFree ?? SpaceReservations.automatic(size: size)
    }

    /// Of the files of uploads that begin now.
    var suffix: String { StoredForm.suffix(isCompressed: engine != nil) }
  }
}
