internal import GatewayCore
internal import Glibc
internal import NIOCore

/// Reads the file of a part that is full, for the file that it becomes a part of. Blocking, and confined to the serial jobs
/// of one ``PartialFile``.
///
/// The file is held open: to drop the part takes nothing from what is being copied.
final class PartReader {
  /// Bytes that are read at once where the kernel does not copy them itself.
  private static let step: Int64 = 1 << 20

  let key: UploadKey
  let file: OpenFile
  /// Where the next bytes are, in bytes from the part's start.
  private(set) var offset: Int64
  /// `nil` where the file has the part's own bytes.
  private let index: GzipIndex?

  /// - Parameters:
  ///   - form: how the part is kept.
  ///   - offset: where reading begins; the bytes up to `end` are safe.
  init(
    _ key: UploadKey, kept form: StoredForm, in directory: StoreDirectory, from offset: Int64, end: Int64
  ) throws(SinkFailure) {
    let place = directory.partialPlace(key)
    let descriptor = uninterrupted {
      openat(directory.partial, key.text, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)
    }
    guard descriptor >= 0 else { throw .system("opening the part", place, errno) }
    do throws(SinkFailure) {
      var status = stat()
      guard fstat(descriptor, &status) == 0 else { throw .system("looking at the part", place, errno) }
      guard status.st_mode & S_IFMT == S_IFREG else { throw .storage("the part \(place) is not a plain file") }
      let index = form.isCompressed ? try GzipIndex.read(descriptor, upTo: end, shown: place) : nil
      let size = index?.rawSize ?? Int64(status.st_size)
      guard size >= end else {
        throw .storage("the part \(place) is too short: \(end) bytes of it are safe, and it has \(size)")
      }
      self.index = index
    } catch {
      close(descriptor)
      throw error
    }
    self.key = key
    self.offset = offset
    file = OpenFile(descriptor: descriptor, place: place)
  }

  deinit {
    close(file.descriptor)
  }

  /// Where the next `count` bytes are in the file, which has them as they are; `nil` where it is compressed.
  func plainRange(_ count: Int64) -> Range<Int64>? {
    index == nil ? offset..<offset + count : nil
  }

  /// Somebody else has read so many bytes.
  func skip(_ count: Int64) { offset += count }

  /// The next bytes of the part, at least one.
  func read(atMost count: Int64) throws(SinkFailure) -> ByteBuffer {
    guard let index else { return try readPlain(min(count, Self.step)) }
    guard let member = index.member(holding: offset) else { throw tooShort }
    var bytes = try MemberReader.read(file, at: member.place, rawOffset: member.rawOffset).bytes
    bytes.moveReaderIndex(forwardBy: Int(offset - member.rawOffset))
    guard let slice = bytes.readSlice(length: min(bytes.readableBytes, Int(count))), slice.readableBytes > 0 else {
      throw tooShort
    }
    offset += Int64(slice.readableBytes)
    return slice
  }

  private func readPlain(_ count: Int64) throws(SinkFailure) -> ByteBuffer {
    let bytes = try MemberReader.bytes(of: file, at: offset, count: Int(count))
    offset += count
    return bytes
  }

  /// The next member as it is in the file, but for its header, which says that `rawOffset` bytes of the upload are before it;
  /// `nil` where no member of at most `count` bytes begins here.
  func readMember(atMost count: Int64, rawOffset: Int64) throws(SinkFailure) -> (bytes: ByteBuffer, rawSize: Int64)? {
    guard let member = index?.member(holding: offset), member.rawOffset == offset, member.rawSize <= count else {
      return nil
    }
    var bytes = try MemberReader.bytes(of: file, at: member.place, count: Int(member.size))
    let header = MemberHeader(
      memberSize: UInt32(member.size), rawSize: UInt32(member.rawSize), rawOffset: UInt64(rawOffset))
    bytes.setBuffer(header.bytes, at: bytes.readerIndex)
    offset += member.rawSize
    return (bytes, member.rawSize)
  }

  private var tooShort: SinkFailure { .storage("the part \(file.place) has nothing at \(offset)") }
}
