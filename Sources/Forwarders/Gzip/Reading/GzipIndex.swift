internal import GatewayCore
internal import Glibc

/// Where each member of a gzip file begins, in the file and in the upload, as the members' own headers say.
struct GzipIndex: Sendable {
  /// One member.
  struct Member: Hashable, Sendable {
    /// Of its first byte in the upload.
    var rawOffset: Int64
    /// Bytes of the upload in it.
    var rawSize: Int64
    /// Of its header in the file.
    var place: Int64
    /// With header and trailer, in bytes.
    var size: Int64
  }

  /// In order, without gaps from the beginning of both.
  private(set) var members: [Member] = []
  /// Bytes of the upload in all members.
  var rawSize: Int64 { members.last.map { $0.rawOffset + $0.rawSize } ?? 0 }
  /// Bytes of the file that the members take up.
  var fileSize: Int64 { members.last.map { $0.place + $0.size } ?? 0 }

  /// Reads the headers of a file: 32 bytes for each member. It ends at the first place where no whole member is.
  ///
  /// - Parameters:
  ///   - limit: members that begin at this offset of the upload, or after it, are not read.
  ///   - shown: what the file is called in messages.
  static func read(_ file: CInt, upTo limit: Int64 = .max, shown: String) throws(SinkFailure) -> GzipIndex {
    var status = stat()
    guard fstat(file, &status) == 0 else { throw .system("looking at", shown, errno) }
    var index = GzipIndex()
    while index.rawSize < limit || index.members.isEmpty {
      guard let member = try member(of: file, at: index.fileSize, rawOffset: index.rawSize, shown: shown),
        member.place + member.size <= Int64(status.st_size)
      else { break }
      index.members.append(member)
    }
    return index
  }

  /// Reads the headers of a file by its path.
  static func read(_ path: String) throws(SinkFailure) -> GzipIndex {
    let file = uninterrupted { open(path, O_RDONLY | O_CLOEXEC) }
    guard file >= 0 else { throw .system("opening", path, errno) }
    defer { close(file) }
    return try read(file, shown: path)
  }

  /// The member that has the byte at `offset` of the upload; `nil` beyond its end.
  func member(holding offset: Int64) -> Member? {
    guard offset >= 0, offset < rawSize else { return nil }
    var (low, high) = (0, members.count - 1)
    while low < high {
      let middle = (low + high + 1) / 2
      if members[middle].rawOffset <= offset { low = middle } else { high = middle - 1 }
    }
    return members[low]
  }

  private static func member(
    of file: CInt, at place: Int64, rawOffset: Int64, shown: String
  ) throws(SinkFailure) -> Member? {
    var code: CInt = 0
    let header = withUnsafeTemporaryAllocation(byteCount: MemberHeader.size, alignment: 8) { space in
      let count = uninterrupted { pread(file, space.baseAddress, MemberHeader.size, Int(place)) }
      if count < 0 { code = errno }
      return count == MemberHeader.size ? MemberHeader(UnsafeRawBufferPointer(space)) : nil
    }
    if code != 0 { throw .system("reading at \(place) of", shown, code) }
    guard let header, Int64(header.rawOffset) == rawOffset else { return nil }
    return Member(
      rawOffset: rawOffset, rawSize: Int64(header.rawSize), place: place, size: Int64(header.memberSize))
  }
}
