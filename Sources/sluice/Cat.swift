import ArgumentParser
import Forwarders
import Glibc

/// `sluice cat`.
struct Cat: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "cat",
    abstract: "Print a squeezed file as one gzip member, or what is in it.",
    discussion: """
      A store with gzip writes files of many members, one after another. Some readers stop after the first without an \
      error (docs/gzip.md says which). For those this joins the members to one, without squeezing anything again. Any \
      other gzip file does too. Each member is held against its checksum; a damaged file ends with exit status 1.
      """)

  @Flag(help: "Print what was squeezed, as zcat does.")
  var contents = false

  @Argument(help: ArgumentHelp("The file, or - for standard input.", valueName: "file"))
  var file: String

  func run() throws {
    guard contents || isatty(1) == 0 else {
      throw CommandFailure("a terminal cannot show gzip; send it to a file, or say --contents.")
    }
    let input = file == "-" ? 0 : open(file, O_RDONLY | O_CLOEXEC)
    guard input >= 0 else { throw failure("opening it") }
    defer { if input > 0 { close(input) } }
    let joiner = MemberJoiner(contents ? .contents : .member)
    do {
      try join(input, joiner)
      try joiner.finish(emit: Self.write)
    } catch let fault as MemberJoiner.Fault {
      throw CommandFailure("\(file), byte \(fault.offset): \(fault.reason).")
    }
  }

  private func join(_ input: CInt, _ joiner: MemberJoiner) throws {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 4096)
    defer { buffer.deallocate() }
    while true {
      let count = read(input, buffer.baseAddress, buffer.count)
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw failure("reading it") }
      if count == 0 { return }
      try joiner.take(UnsafeRawBufferPointer(rebasing: buffer[..<count]), emit: Self.write)
    }
  }

  private func failure(_ attempt: String) -> CommandFailure {
    CommandFailure("\(file): \(attempt) failed: \(String(cString: strerror(errno))).")
  }

  private static func write(_ bytes: UnsafeRawBufferPointer) throws {
    var rest = bytes[...]
    while !rest.isEmpty {
      let part = UnsafeRawBufferPointer(rebasing: rest)
      let count = Glibc.write(1, part.baseAddress, part.count)
      if count < 0, errno == EINTR { continue }
      guard count > 0 else {
        throw CommandFailure("standard output cannot be written: \(String(cString: strerror(errno))).")
      }
      rest = rest.dropFirst(count)
    }
  }
}
